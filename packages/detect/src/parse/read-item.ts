/** Reads one line of a detection: the modifiers are checked by name and company, then each value becomes the test it stands for. */
import { messageOf } from '@tocsin/core';
import { RE2JS } from 're2js';
import { parseCidr } from '../compile/cidr.ts';
import type { ItemSpec, NumberComparison, TimePart, ValueSpec, ValueTest } from './item-spec.ts';
import { groupCompany, type ModifierGroup, modifierGroups } from './modifiers.data.ts';
import { type PlaceholderValues, splitPlaceholders } from './placeholders.ts';
import { regexSize } from './regex-size.ts';
import { type DocumentPath, RuleFault } from './rule-fault.ts';
import {
  base64,
  base64Offsets,
  literalPattern,
  parsePattern,
  plainTexts,
  type Side,
  surround,
  type TextPattern,
  utf8Bytes,
  utf16Bytes,
  windash,
} from './text-pattern.ts';

const MAX_VALUES = 20_000;
const MAX_VALUE_CHARS = 8192;
const MAX_FIELD_CHARS = 512;
/** The largest of SigmaHQ's has some 200. */
const MAX_REGEX_SIZE = 10_000;

/** Where a line stands and what it is read with. */
export interface ItemContext {
  readonly path: DocumentPath;
  readonly placeholders: PlaceholderValues;
}

/** A line by its key as written. @throws RuleFault detect.bad_modifier, detect.bad_value */
export function readItem(key: string, value: unknown, { path, placeholders }: ItemContext): ItemSpec {
  const [field = '', ...modifiers] = key.split('|');
  checkModifiers(key, modifiers, path);
  if (field.length > MAX_FIELD_CHARS)
    throw new RuleFault('detect.bad_value', `a field name is longer than ${MAX_FIELD_CHARS} characters`, path);
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (values.length === 0) throw new RuleFault('detect.bad_value', `${key} has an empty list of values`, path);
  if (values.length > MAX_VALUES) throw new RuleFault('detect.bad_value', `${key} has more than ${MAX_VALUES} values`, path);
  const groups = new Set(modifiers.map((modifier) => modifierGroups.get(modifier)));
  const line: Line = { key, field: field === '' ? undefined : field, modifiers, groups, path, placeholders };
  return {
    field: line.field,
    modifiers,
    all: modifiers.includes('all'),
    negated: modifiers.includes('neq'),
    values: values.map((one, index) => readValue(line, one, Array.isArray(value) ? [...path, index] : path)),
  };
}

interface Line {
  readonly key: string;
  readonly field: string | undefined;
  readonly modifiers: readonly string[];
  readonly groups: ReadonlySet<ModifierGroup | undefined>;
  readonly path: DocumentPath;
  readonly placeholders: PlaceholderValues;
}

function checkModifiers(key: string, modifiers: readonly string[], path: DocumentPath): void {
  const groups = modifiers.map((modifier) => {
    const group = modifierGroups.get(modifier);
    if (group === undefined) throw new RuleFault('detect.bad_modifier', `"${modifier}" in ${key} is no modifier of Sigma 2.1`, path);
    return group;
  });
  const single: readonly ModifierGroup[] = ['side', 'compare', 'time'];
  for (const group of single) {
    if (groups.filter((one) => one === group).length > 1)
      throw new RuleFault('detect.bad_modifier', `${key} has two modifiers of which only one can hold`, path);
  }
  if (groups.includes('regexFlag') && !groups.includes('regex'))
    throw new RuleFault('detect.bad_modifier', `i, m and s in ${key} belong to re`, path);
  for (const [deciding, company] of groupCompany) {
    if (!groups.includes(deciding)) continue;
    const misplaced = groups.findIndex((group) => group !== deciding && !company.includes(group));
    if (misplaced >= 0)
      throw new RuleFault('detect.bad_modifier', `${modifiers[misplaced]} does not go with the other modifiers of ${key}`, path);
    return;
  }
}

function readValue(line: Line, value: unknown, path: DocumentPath): ValueSpec {
  if (value !== null && typeof value === 'object')
    throw new RuleFault('detect.bad_value', `a value of ${line.key} is a ${Array.isArray(value) ? 'list' : 'map'}`, path);
  if (typeof value === 'string' && value.length > MAX_VALUE_CHARS)
    throw new RuleFault('detect.bad_value', `a value of ${line.key} is longer than ${MAX_VALUE_CHARS} characters`, path);
  return { test: readTest(line, value as Scalar, path), shown: String(value).slice(0, 256) };
}

type Scalar = string | number | boolean | null | undefined;

/** Groups that ask something of a field, which keywords do not have. */
const FIELD_GROUPS: readonly ModifierGroup[] = ['exists', 'fieldref', 'compare', 'time', 'cidr'];

function readTest(line: Line, value: Scalar, path: DocumentPath): ValueTest {
  const { groups } = line;
  if (line.field === undefined && FIELD_GROUPS.some((group) => groups.has(group))) {
    throw new RuleFault('detect.bad_modifier', `${line.key} needs a field name`, path);
  }
  if (groups.has('exists')) return readExists(line, value, path);
  if (groups.has('time') || groups.has('compare')) return readNumber(line, value, path);
  if (value === null || value === undefined) return readNull(line, path);
  if (groups.has('fieldref')) return readFieldref(line, String(value));
  if (groups.has('cidr')) return readCidr(String(value), path);
  return groups.has('regex') ? readRegex(line, String(value), path) : readText(line, String(value), path);
}

function readFieldref(line: Line, field: string): ValueTest {
  return { kind: 'fieldref', field, side: sideOf(line.modifiers), cased: line.modifiers.includes('cased') };
}

function readExists(line: Line, value: Scalar, path: DocumentPath): ValueTest {
  if (typeof value !== 'boolean') throw new RuleFault('detect.bad_value', `${line.key} takes true or false`, path);
  return { kind: 'exists', expected: value };
}

function readNull(line: Line, path: DocumentPath): ValueTest {
  const plain = line.modifiers.every((modifier) => modifierGroups.get(modifier) === 'flag');
  if (line.field === undefined || !plain)
    throw new RuleFault('detect.bad_value', `null cannot be compared by ${line.key === '' ? 'keywords' : line.key}`, path);
  return { kind: 'null' };
}

function readNumber(line: Line, value: Scalar, path: DocumentPath): ValueTest {
  const limit = typeof value === 'number' ? value : typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
  if (Number.isNaN(limit)) throw new RuleFault('detect.bad_value', `${line.key} needs a number and has ${JSON.stringify(value)}`, path);
  const comparison = line.modifiers.find((modifier) => modifierGroups.get(modifier) === 'compare') ?? 'eq';
  const part = line.modifiers.find((modifier) => modifierGroups.get(modifier) === 'time');
  return { kind: 'number', comparison: comparison as NumberComparison, limit, part: part as TimePart | undefined };
}

function readCidr(range: string, path: DocumentPath): ValueTest {
  if (parseCidr(range) === undefined) throw new RuleFault('detect.bad_value', `"${range.slice(0, 80)}" is no CIDR range`, path);
  return { kind: 'cidr', range };
}

function readRegex(line: Line, source: string, path: DocumentPath): ValueTest {
  let flags = 0;
  if (line.modifiers.includes('i')) flags |= RE2JS.CASE_INSENSITIVE;
  if (line.modifiers.includes('m')) flags |= RE2JS.MULTILINE;
  if (line.modifiers.includes('s')) flags |= RE2JS.DOTALL;
  if (regexSize(source) > MAX_REGEX_SIZE)
    throw new RuleFault(
      'detect.bad_value',
      `"${source.slice(0, 120)}" has more than ${MAX_REGEX_SIZE} parts once its repetitions are written out`,
      path,
    );
  try {
    RE2JS.compile(source, flags);
  } catch (error) {
    const reason = messageOf(error);
    throw new RuleFault(
      'detect.bad_value',
      `"${source.slice(0, 120)}" is no regular expression that runs in linear time (${reason.slice(0, 120)})`,
      path,
    );
  }
  return { kind: 'regex', source, flags };
}

function readText(line: Line, text: string, path: DocumentPath): ValueTest {
  const written = line.modifiers.includes('expand') ? expanded(line, text, path) : { patterns: [parsePattern(text)], missing: [] };
  if (written.missing.length > 0) return { kind: 'placeholder', names: written.missing };
  const side = sideOf(line.modifiers) ?? (line.field === undefined ? 'contains' : undefined);
  const encoded = written.patterns.flatMap((pattern) => encode(pattern, line, path));
  if (encoded.length === 0) throw new RuleFault('detect.bad_value', `a value of ${line.key} is too short to be found in base64`, path);
  const patterns = side === undefined ? encoded : encoded.map((pattern) => surround(pattern, side));
  return { kind: 'text', patterns, cased: line.modifiers.includes('cased') };
}

/** Every pattern that a value with placeholders stands for, or the placeholders that nobody gave values to. */
function expanded(line: Line, text: string, path: DocumentPath): { patterns: readonly TextPattern[]; missing: readonly string[] } {
  const parts = splitPlaceholders(text);
  const missing = parts.filter((part) => part.kind === 'name' && !line.placeholders.has(part.text)).map((part) => part.text);
  let patterns: readonly TextPattern[] = [[]];
  for (const part of missing.length > 0 ? [] : parts) {
    const values = part.kind === 'text' ? [part.text] : (line.placeholders.get(part.text) ?? []);
    if (patterns.length * values.length > MAX_VALUES)
      throw new RuleFault('detect.bad_value', `the placeholders of ${line.key} stand for more than ${MAX_VALUES} values`, path);
    patterns = patterns.flatMap((pattern) => values.map((value) => [...pattern, ...parsePattern(value)]));
  }
  return { patterns, missing };
}

/** Applies the transforming modifiers from left to right. Text becomes bytes at UTF-16; before that base64 takes its UTF-8. */
function encode(pattern: TextPattern, line: Line, path: DocumentPath): readonly TextPattern[] {
  let patterns: readonly TextPattern[] = [pattern];
  let isBytes = false;
  for (const modifier of line.modifiers) {
    if (modifier === 'windash') patterns = patterns.map(windash);
    const change = isBytes ? byteEncoders.get(modifier) : textEncoders.get(modifier);
    if (change === undefined) continue;
    patterns = patterns.flatMap((one) => plainTexts(one, modifier, path).flatMap(change).map(literalPattern));
    isBytes = modifier !== 'base64' && modifier !== 'base64offset';
  }
  return patterns;
}

type Encoder = (text: string) => string[];

const utf16Encoders: readonly (readonly [string, Encoder])[] = [
  ['wide', (text) => [utf16Bytes(text, 'le')]],
  ['utf16le', (text) => [utf16Bytes(text, 'le')]],
  ['utf16be', (text) => [utf16Bytes(text, 'be')]],
  ['utf16', (text) => [utf16Bytes(text, 'bom')]],
];

const textEncoders: ReadonlyMap<string, Encoder> = new Map<string, Encoder>([
  ...utf16Encoders,
  ['base64', (text) => [base64(utf8Bytes(text))]],
  ['base64offset', (text) => base64Offsets(utf8Bytes(text))],
]);

const byteEncoders: ReadonlyMap<string, Encoder> = new Map<string, Encoder>([
  ...utf16Encoders,
  ['base64', (bytes) => [base64(bytes)]],
  ['base64offset', base64Offsets],
]);

function sideOf(modifiers: readonly string[]): Side | undefined {
  return modifiers.find((modifier) => modifierGroups.get(modifier) === 'side') as Side | undefined;
}
