// One line of a detection: `Field|modifier|modifier: value(s)`, judged against one event. Modifiers are applied to
// each value from left to right; what is left is compared with every value the field has.

import { RE2JS } from 're2js';
import { matchCidr } from './cidr.ts';
import { type Json, type OracleEvent, readField, searchableTexts } from './fields.ts';
import * as pattern from './pattern.ts';
import { expand, type Values } from './placeholders.ts';
import { OracleRefusal } from './refusal.ts';

const COMPARE = ['lt', 'lte', 'gt', 'gte'];
const TIME = ['minute', 'hour', 'day', 'week', 'month', 'year'];
const TEXT = ['contains', 'startswith', 'endswith'];
const ENCODE = ['base64', 'base64offset', 'wide', 'utf16', 'utf16le', 'utf16be', 'windash', 'expand'];
const OTHER = ['all', 'cased', 're', 'i', 'm', 's', 'cidr', 'neq', 'exists', 'fieldref'];
const KNOWN = new Set([...COMPARE, ...TIME, ...TEXT, ...ENCODE, ...OTHER]);

/** A line: its key and value as written, and what placeholders in it stand for. */
export type Line = { readonly key: string; readonly value: Json; readonly placeholders: Values };

type Reading = { readonly key: string; readonly field: string; readonly modifiers: readonly string[]; readonly placeholders: Values };

/** True when the event satisfies the line. An empty field name means keywords. @throws OracleRefusal */
export function matchItem(event: OracleEvent, { key, value, placeholders }: Line): boolean {
  const [field = '', ...modifiers] = key.split('|');
  for (const modifier of modifiers) if (!KNOWN.has(modifier)) throw new OracleRefusal(`unknown modifier ${modifier}`);
  const values = Array.isArray(value) ? (value as Json[]) : [value];
  if (values.length === 0) throw new OracleRefusal(`${key} has an empty list`);
  const test = (one: Json): boolean => matchOne(event, { key, field, modifiers, placeholders }, one);
  const matched = modifiers.includes('all') ? values.map(test).every(Boolean) : values.map(test).some(Boolean);
  // `neq` is the negation of the whole line, so it also holds where the field is missing.
  return modifiers.includes('neq') ? !matched : matched;
}

function matchOne(event: OracleEvent, reading: Reading, wanted: Json): boolean {
  const { field, modifiers } = reading;
  if (field === '') {
    const { texts, all } = textsOf(event);
    const test = valueTest(reading, wanted);
    // What is in none of them together is in none of them.
    return test.mayHold?.(all) !== false && texts.some(test);
  }
  const { exists, values } = readField(event, field);
  if (modifiers.includes('exists')) {
    if (typeof wanted !== 'boolean') throw new OracleRefusal('exists takes true or false');
    return exists === wanted;
  }
  if (modifiers.includes('fieldref')) return matchFieldref(event, values, modifiers, wanted);
  if (wanted === null) return !exists || values.some((value) => value === null);
  return values.some(valueTest(reading, wanted));
}

function matchFieldref(event: OracleEvent, values: readonly Json[], modifiers: readonly string[], wanted: Json): boolean {
  const others = readField(event, String(wanted)).values.filter(isScalar);
  const kept = modifiers.filter((modifier) => TEXT.includes(modifier) || modifier === 'cased');
  return others.some((other) => {
    const literal = shape(pattern.literalPattern(String(other)), kept, false);
    return values.some((value) => isScalar(value) && pattern.matchPattern(literal, String(value), kept.includes('cased')));
  });
}

/** `mayHold` is false where no part of a text can satisfy the test. */
type ValueTest = ((value: Json) => boolean) & { readonly mayHold?: (text: string) => boolean };

const textsByEvent = new WeakMap<OracleEvent, { readonly texts: readonly string[]; readonly all: string }>();

/** All texts of an event, and all of them in one. */
function textsOf(event: OracleEvent): { readonly texts: readonly string[]; readonly all: string } {
  const known = textsByEvent.get(event);
  if (known !== undefined) return known;
  const texts = searchableTexts(event);
  const fresh = { texts, all: texts.join('\n') };
  textsByEvent.set(event, fresh);
  return fresh;
}

/** By key, by value: what a line asks for hangs on nothing else where no placeholder has a value. */
const remembered = new Map<string, Map<Json, ValueTest>>();

function valueTest(reading: Reading, wanted: Json): ValueTest {
  if (Object.keys(reading.placeholders).length > 0 || (wanted !== null && typeof wanted === 'object')) return makeTest(reading, wanted);
  let tests = remembered.get(reading.key);
  if (tests === undefined) remembered.set(reading.key, (tests = new Map()));
  let test = tests.get(wanted);
  if (test === undefined) tests.set(wanted, (test = makeTest(reading, wanted)));
  return test;
}

function makeTest({ field, modifiers, placeholders }: Reading, wanted: Json): ValueTest {
  const keyword = field === '';
  const compare = modifiers.find((modifier) => COMPARE.includes(modifier));
  const time = modifiers.find((modifier) => TIME.includes(modifier));
  if (time) return (value) => timeTest(time, compare, wanted, value);
  if (compare) return (value) => isScalar(value) && compareNumbers(compare, value, wanted);
  if (modifiers.includes('cidr')) return (value) => typeof value === 'string' && matchCidr(String(wanted), value);
  if (modifiers.includes('re')) return regexTest(modifiers, String(wanted));
  if (wanted !== null && typeof wanted === 'object') throw new OracleRefusal('a map cannot be a value');
  const patterns = textPatterns(modifiers, String(wanted), placeholders).map((one) => shape(one, modifiers, keyword));
  const cased = modifiers.includes('cased');
  return Object.assign((value: Json) => isScalar(value) && patterns.some((one) => pattern.matchPattern(one, String(value), cased)), {
    mayHold: (text: string) => patterns.some((one) => pattern.holdsTexts(one, text, cased)),
  });
}

function textPatterns(modifiers: readonly string[], text: string, placeholders: Values): pattern.Pattern[] {
  const pieces = modifiers.includes('expand') ? expand(text, placeholders) : [[text]];
  let patterns: pattern.Pattern[] = pieces.map((one) => one.flatMap(pattern.parsePattern));
  const replace = (name: string, change: (plain: string) => readonly string[]): void => {
    patterns = patterns.flatMap((one) => change(pattern.plainText(one, name)).map(pattern.literalPattern));
  };
  // Text becomes bytes once it went through UTF-16; before that base64 sees its UTF-8.
  let bytes: BufferEncoding = 'utf8';
  for (const name of modifiers) {
    if (name === 'windash') patterns = patterns.flatMap(pattern.windashVariants);
    else if (name === 'base64') replace(name, (plain) => [Buffer.from(plain, bytes).toString('base64')]);
    else if (name === 'base64offset') replace(name, (plain) => pattern.base64Offsets(Buffer.from(plain, bytes)));
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
  const iso = isoTime(value);
  if (iso === undefined) return false;
  const [year, month, day, hour, minute] = (iso.match(/^([+-]?\d+)-(\d\d)-(\d\d)T(\d\d):(\d\d)/) ?? []).slice(1).map(Number);
  const dayOfYear =
    (Date.parse(`${iso.split('T')[0]}T00:00:00Z`) - Date.parse(`${iso.replace(/-\d\d-\d\dT.*$/, '')}-01-01T00:00:00Z`)) / 86_400_000;
  const parts: Record<string, number | undefined> = { minute, hour, day, month, year, week: Math.floor(dayOfYear / 7) + 1 };
  return compareNumbers(compare ?? 'eq', parts[part] as number, wanted);
}

/** A date in UTC as ISO text: numbers are seconds since 1970 below 10^11 and milliseconds from there; text without a zone is UTC. */
function isoTime(value: Json): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const number = String(value).trim() === '' ? Number.NaN : Number(value);
  const local = /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?$/.test(String(value));
  const date = Number.isNaN(number)
    ? new Date(local ? `${String(value).replace(' ', 'T').replace(',', '.')}Z` : String(value))
    : new Date(number * (Math.abs(number) < 1e11 ? 1000 : 1));
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
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
