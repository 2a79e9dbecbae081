/**
 * The format `cef`: ArcSight Common Event Format (Implementation Standard, revision 25). Seven parts between `|`, escaped by `\`, then
 * `key=value` where a value goes on to the next key. `cs1Label=Policy cs1=x` is also the field `Policy`.
 */
import type { Fields } from '@tocsin/core';
import { type LineFormat, MAX_LINE_FIELDS } from './line-format.ts';

/** Common Event Format. */
export const cefFormat: LineFormat = {
  name: 'cef',
  decodes: ['request', 'msg', 'requestClientApplication', 'filePath'],
  wants: '`CEF:version|vendor|product|version|class|name|severity|key=value …`',
  looks: (line) => line.startsWith('CEF:') || line.includes(' CEF:'),
  read: (line) => {
    const start = line.startsWith('CEF:') ? 0 : line.indexOf(' CEF:') + 1;
    if (start === 0 && !line.startsWith('CEF:')) return undefined;
    const parts = splitHead(line, start + 4);
    if (parts === undefined) return undefined;
    const [version = '', vendor, product, deviceVersion, signature, name, severity] = parts.words;
    if (!/^ ?\d{1,3}$/.test(version)) return undefined;
    const head = {
      cefVersion: Number(version),
      deviceVendor: vendor,
      deviceProduct: product,
      deviceVersion,
      deviceEventClassId: signature,
      name,
      severity,
    };
    return { ...readExtension(line, parts.end), ...head };
  },
};

/** Text of the seven parts, and where the extension begins. */
function splitHead(line: string, from: number): { words: string[]; end: number } | undefined {
  const words: string[] = [];
  let start = from;
  for (let at = from; at < line.length && words.length < 7; at++) {
    if (line[at] === '\\') at++;
    else if (line[at] === '|') {
      words.push(unescapeText(line.slice(start, at)));
      start = at + 1;
    }
  }
  if (words.length === 6) return { words: [...words, unescapeText(line.slice(start))], end: line.length };
  return words.length === 7 ? { words, end: start } : undefined;
}

/** `key=value key=value`: a key is a word right before `=`, behind a space. */
function readExtension(line: string, from: number): Fields {
  const pairs: [string, string][] = [];
  let key = '';
  let valueAt = from;
  for (let at = from; at < line.length && pairs.length < MAX_LINE_FIELDS; at++) {
    if (line[at] === '\\') at++;
    else if (line[at] === '=') {
      const keyAt = keyStart(line, valueAt, at);
      if (keyAt === undefined) continue;
      if (key !== '') pairs.push([key, unescapeText(line.slice(valueAt, Math.max(valueAt, keyAt - 1)).trimEnd())]);
      key = line.slice(keyAt, at);
      valueAt = at + 1;
    }
  }
  if (key !== '') pairs.push([key, unescapeText(line.slice(valueAt).trimEnd())]);
  return withLabels(Object.fromEntries(pairs));
}

/** Where the word before `=` begins, if it is a key. */
function keyStart(line: string, from: number, equals: number): number | undefined {
  let at = equals;
  while (at > from && isKeyLetter(line.charCodeAt(at - 1))) at--;
  if (at === equals) return undefined;
  return at === from || line[at - 1] === ' ' ? at : undefined;
}

function withLabels(fields: Record<string, string>): Fields {
  const labelled = Object.keys(fields).filter((name) => name.endsWith('Label') && fields[name.slice(0, -5)] !== undefined);
  if (labelled.length === 0) return fields;
  const named = labelled.map((name) => [fields[name] ?? '', fields[name.slice(0, -5)] ?? ''] as const).filter(([name]) => name !== '');
  return { ...Object.fromEntries(named), ...fields };
}

/** Letters, digits, `_ . - [ ] @ :`: vendors add to what the standard allows. */
function isKeyLetter(unit: number): boolean {
  if (unit >= 0x30 && unit <= 0x3a) return true;
  if ((unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a) return true;
  return unit === 0x5f || unit === 0x2e || unit === 0x2d || unit === 0x5b || unit === 0x5d || unit === 0x40;
}

/** Undoes `\|`, `\=`, `\\`, `\n`, `\r`; a backslash before anything else is itself. */
function unescapeText(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\([\\|=nr])/g, (_, letter: string) => (letter === 'n' ? '\n' : letter === 'r' ? '\r' : letter));
}
