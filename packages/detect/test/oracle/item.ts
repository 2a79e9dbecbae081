// One line of a detection: `Field|modifier|modifier: value(s)`, judged against one event. Modifiers are applied to
// each value from left to right; what is left is compared with every value the field has.

import { RE2JS } from 're2js';
import { matchCidr } from './cidr.ts';
import { type Json, type OracleEvent, readField, searchableTexts } from './fields.ts';
import * as pattern from './pattern.ts';
import { OracleRefusal } from './refusal.ts';

const COMPARE = ['lt', 'lte', 'gt', 'gte'];
const TIME = ['minute', 'hour', 'day', 'week', 'month', 'year'];
const TEXT = ['contains', 'startswith', 'endswith'];
const ENCODE = ['base64', 'base64offset', 'wide', 'utf16', 'utf16le', 'utf16be', 'windash', 'expand'];
const OTHER = ['all', 'cased', 're', 'i', 'm', 's', 'cidr', 'neq', 'exists', 'fieldref'];
const KNOWN = new Set([...COMPARE, ...TIME, ...TEXT, ...ENCODE, ...OTHER]);

/** True when the event satisfies the line. An empty field name means keywords. @throws OracleRefusal */
export function matchItem(event: OracleEvent, key: string, value: Json): boolean {
  const [field = '', ...modifiers] = key.split('|');
  for (const modifier of modifiers) if (!KNOWN.has(modifier)) throw new OracleRefusal(`unknown modifier ${modifier}`);
  const values = Array.isArray(value) ? (value as Json[]) : [value];
  if (values.length === 0) throw new OracleRefusal(`${key} has an empty list`);
  const test = (one: Json): boolean => matchOne(event, field, modifiers, one);
  const matched = modifiers.includes('all') ? values.map(test).every(Boolean) : values.map(test).some(Boolean);
  // `neq` is the negation of the whole line, so it also holds where the field is missing.
  return modifiers.includes('neq') ? !matched : matched;
}

function matchOne(event: OracleEvent, field: string, modifiers: readonly string[], wanted: Json): boolean {
  if (field === '') return keywordTest(modifiers, wanted)(searchableTexts(event));
  const { exists, values } = readField(event, field);
  if (modifiers.includes('exists')) {
    if (typeof wanted !== 'boolean') throw new OracleRefusal('exists takes true or false');
    return exists === wanted;
  }
  if (modifiers.includes('fieldref')) return matchFieldref(event, values, modifiers, wanted);
  if (wanted === null) return !exists || values.some((value) => value === null);
  const test = valueTest(modifiers, wanted, false);
  return values.some(test);
}

function keywordTest(modifiers: readonly string[], wanted: Json): (texts: readonly string[]) => boolean {
  const test = valueTest(modifiers, wanted, true);
  return (texts) => texts.some(test);
}

function matchFieldref(event: OracleEvent, values: readonly Json[], modifiers: readonly string[], wanted: Json): boolean {
  const others = readField(event, String(wanted)).values.filter(isScalar);
  const kept = modifiers.filter((modifier) => TEXT.includes(modifier) || modifier === 'cased');
  return others.some((other) => {
    const literal = shape(pattern.literalPattern(String(other)), kept, false);
    return values.some((value) => isScalar(value) && pattern.matchPattern(literal, String(value), kept.includes('cased')));
  });
}

function valueTest(modifiers: readonly string[], wanted: Json, keyword: boolean): (value: Json) => boolean {
  const compare = modifiers.find((modifier) => COMPARE.includes(modifier));
  const time = modifiers.find((modifier) => TIME.includes(modifier));
  if (time) return (value) => timeTest(time, compare, wanted, value);
  if (compare) return (value) => isScalar(value) && compareNumbers(compare, value, wanted);
  if (modifiers.includes('cidr')) return (value) => typeof value === 'string' && matchCidr(String(wanted), value);
  if (modifiers.includes('re')) return regexTest(modifiers, String(wanted));
  if (wanted !== null && typeof wanted === 'object') throw new OracleRefusal('a map cannot be a value');
  const patterns = textPatterns(modifiers, String(wanted)).map((one) => shape(one, modifiers, keyword));
  const cased = modifiers.includes('cased');
  return (value) => isScalar(value) && patterns.some((one) => pattern.matchPattern(one, String(value), cased));
}

function textPatterns(modifiers: readonly string[], text: string): pattern.Pattern[] {
  let patterns = [pattern.parsePattern(text)];
  const replace = (name: string, change: (plain: string) => readonly string[]): void => {
    patterns = patterns.flatMap((one) => change(pattern.plainText(one, name)).map(pattern.literalPattern));
  };
  // Text becomes bytes once it went through UTF-16; before that base64 sees its UTF-8.
  let bytes: BufferEncoding = 'utf8';
  for (const name of modifiers) {
    if (name === 'windash') patterns = patterns.flatMap(pattern.windashVariants);
    else if (name === 'base64') replace(name, (plain) => [Buffer.from(plain, bytes).toString('base64')]);
    else if (name === 'base64offset') replace(name, (plain) => pattern.base64Offsets(Buffer.from(plain, bytes)));
    else if (name === 'expand' && /(^|[^\\])%[^%]+%/.test(text)) throw new OracleRefusal(`placeholder in ${text}`);
    else if (['wide', 'utf16', 'utf16le', 'utf16be'].includes(name)) {
      const form = name === 'utf16be' ? 'be' : name === 'utf16' ? 'bom' : 'le';
      replace(name, (plain) => [pattern.encodeUtf16(plain, form)]);
      bytes = 'latin1';
    }
  }
  return patterns;
}

function shape(one: pattern.Pattern, modifiers: readonly string[], keyword: boolean): pattern.Pattern {
  const side = modifiers.find((modifier) => TEXT.includes(modifier)) ?? (keyword ? 'contains' : undefined);
  return side === undefined ? one : pattern.surround(one, side as 'contains');
}

function regexTest(modifiers: readonly string[], source: string): (value: Json) => boolean {
  let flags = 0;
  if (modifiers.includes('i')) flags |= RE2JS.CASE_INSENSITIVE;
  if (modifiers.includes('m')) flags |= RE2JS.MULTILINE;
  if (modifiers.includes('s')) flags |= RE2JS.DOTALL;
  const regex = RE2JS.compile(source, flags);
  return (value) => isScalar(value) && regex.matcher(String(value)).find();
}

function timeTest(part: string, compare: string | undefined, wanted: Json, value: Json): boolean {
  const date = new Date(typeof value === 'number' ? value : String(value));
  if (Number.isNaN(date.getTime())) return false;
  const startOfYear = Date.UTC(date.getUTCFullYear(), 0, 1);
  const parts: Record<string, number> = {
    minute: date.getUTCMinutes(),
    hour: date.getUTCHours(),
    day: date.getUTCDate(),
    month: date.getUTCMonth() + 1,
    year: date.getUTCFullYear(),
    week: Math.floor((date.getTime() - startOfYear) / (7 * 86_400_000)) + 1,
  };
  return compareNumbers(compare ?? 'eq', parts[part] as number, wanted);
}

function compareNumbers(how: string, value: Json, wanted: Json): boolean {
  const limit = typeof wanted === 'boolean' || wanted === null || wanted === '' ? Number.NaN : Number(wanted);
  if (Number.isNaN(limit)) throw new OracleRefusal(`${how} needs a number, got ${String(wanted)}`);
  const number = typeof value === 'boolean' || String(value).trim() === '' ? Number.NaN : Number(value);
  if (how === 'lt') return number < limit;
  if (how === 'lte') return number <= limit;
  if (how === 'gt') return number > limit;
  if (how === 'gte') return number >= limit;
  return number === limit;
}

function isScalar(value: Json): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
