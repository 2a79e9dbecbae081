/**
 * The format `key-value`: `key=value` separated by spaces, commas or semicolons, values bare or in quotes; logfmt (a bare word is true) is
 * the same. Firewalls of Fortinet, Sophos, SonicWall, Check Point and many programs write it.
 */
import { type LineFormat, MAX_LINE_FIELDS } from './line-format.ts';

/** Key=value pairs and logfmt. */
export const keyValueFormat: LineFormat = {
  name: 'key-value',
  decodes: ['url', 'msg', 'cmd', 'command', 'uri', 'path', 'query'],
  wants: '`key=value` pairs',
  looks: (line) => /^[A-Za-z_@][\w.@/-]{0,63}=/.test(line) && countPairs(line, 3) === 3,
  read: (line) => {
    const pairs = readPairs(line);
    return pairs.some(([, value]) => value !== true) ? Object.fromEntries(pairs.map(([name, value]) => [name, value])) : undefined;
  },
};

/** A name, its value, and whether that stood in quotes. */
export type Pair = readonly [name: string, value: string | true, isQuoted: boolean];

/** Pairs of a line in order; a word without `=` is true, as logfmt has it. */
export function readPairs(line: string): Pair[] {
  const pairs: Pair[] = [];
  let at = 0;
  while (at < line.length && pairs.length < MAX_LINE_FIELDS) {
    at = skipSeparators(line, at);
    const keyEnd = endOfKey(line, at);
    if (keyEnd === at) at += 1;
    else if (line[keyEnd] !== '=') {
      pairs.push([line.slice(at, keyEnd), true, false]);
      at = keyEnd;
    } else {
      const value = readValue(line, keyEnd + 1);
      pairs.push([line.slice(at, keyEnd), value.text, value.isQuoted]);
      at = value.end;
    }
  }
  return pairs;
}

function countPairs(line: string, most: number): number {
  let count = 0;
  for (let at = line.indexOf('='); at !== -1 && count < most; at = line.indexOf('=', at + 1)) {
    if (at > 0 && isKeyLetter(line.charCodeAt(at - 1))) count += 1;
  }
  return count;
}

function skipSeparators(line: string, from: number): number {
  let at = from;
  while (at < line.length && isSeparator(line.charCodeAt(at))) at++;
  return at;
}

function endOfKey(line: string, from: number): number {
  let at = from;
  while (at < line.length && isKeyLetter(line.charCodeAt(at))) at++;
  return at;
}

function readValue(line: string, from: number): { text: string; end: number; isQuoted: boolean } {
  const quote = line[from];
  if (quote === '"' || quote === "'") {
    const end = endOfQuoted(line, from, quote);
    if (end !== undefined) return { text: unescapeQuoted(line.slice(from + 1, end)), end: end + 1, isQuoted: true };
  }
  let end = from;
  while (end < line.length && !isValueEnd(line, end)) end++;
  return { text: line.slice(from, end), end, isQuoted: false };
}

/** A comma or semicolon ends a value only where a space or a key follows: values hold commas. */
function isValueEnd(line: string, at: number): boolean {
  const unit = line.charCodeAt(at);
  if (unit === SPACE || unit === TAB) return true;
  return (unit === COMMA || unit === SEMICOLON) && (at + 1 === line.length || line.charCodeAt(at + 1) === SPACE || isPairAt(line, at + 1));
}

/** Looks no further than a key is long. */
function isPairAt(line: string, from: number): boolean {
  let at = from;
  while (at < line.length && at - from < MAX_KEY && isKeyLetter(line.charCodeAt(at))) at++;
  return at > from && line[at] === '=';
}

function endOfQuoted(line: string, open: number, quote: string): number | undefined {
  for (let at = open + 1; at < line.length; at++) {
    if (line[at] === '\\') at++;
    else if (line[at] === quote) return at;
  }
  return undefined;
}

function unescapeQuoted(text: string): string {
  return text.includes('\\') ? text.replace(/\\(["'\\])/g, '$1') : text;
}

function isKeyLetter(unit: number): boolean {
  return (unit >= 0x30 && unit <= 0x39) || ((unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a) || KEY_SIGNS.has(unit);
}

function isSeparator(unit: number): boolean {
  return unit === SPACE || unit === TAB || unit === COMMA || unit === SEMICOLON;
}

const SPACE = 0x20;
const TAB = 0x09;
const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const MAX_KEY = 64;
/** `_ . @ / - : [ ]` */
const KEY_SIGNS: ReadonlySet<number> = new Set([0x5f, 0x2e, 0x40, 0x2f, 0x2d, 0x3a, 0x5b, 0x5d]);
