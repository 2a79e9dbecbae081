/** The format `leef`: IBM QRadar Log Event Extended Format 1.0 and 2.0 (DSM guide, "LEEF event components"). */
import { type LineFormat, MAX_LINE_FIELDS } from './line-format.ts';

/** Log Event Extended Format. */
export const leefFormat: LineFormat = {
  name: 'leef',
  decodes: ['url', 'resource'],
  wants: '`LEEF:version|vendor|product|version|event id|key=value…`',
  looks: (line) => line.startsWith('LEEF:') || line.includes(' LEEF:'),
  read: (line) => {
    const start = line.startsWith('LEEF:') ? 0 : line.indexOf(' LEEF:') + 1;
    if (start === 0 && !line.startsWith('LEEF:')) return undefined;
    const ends = barsFrom(line, start, 6);
    const words = ends.map((end, i) => line.slice(i === 0 ? start + 5 : (ends[i - 1] ?? 0) + 1, end));
    const [version = '', vendor, product, productVersion, eventId, delimiter] = words;
    if (ends.length < 5 || !/^[12](\.\d)?$/.test(version)) return undefined;
    const second = version.startsWith('2') ? readDelimiter(delimiter) : undefined;
    const from = (second === undefined ? ends[4] : ends[5]) ?? line.length;
    const head = { leefVersion: version, vendor, product, productVersion, eventId };
    return { ...Object.fromEntries(pairsOf(line.slice(from + 1), second ?? '\t')), ...head };
  },
};

function barsFrom(line: string, from: number, most: number): number[] {
  const found: number[] = [];
  for (let at = line.indexOf('|', from); at !== -1 && found.length < most; at = line.indexOf('|', at + 1)) found.push(at);
  return found;
}

/** One character, or its code as `x09` or `0x09`; undefined where the sixth part is no delimiter but the first attribute. */
function readDelimiter(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (text === '') return '\t';
  const code = /^0?x([0-9a-fA-F]{2,4})$/.exec(text)?.[1];
  if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
  return text.length === 1 ? text : undefined;
}

function pairsOf(text: string, delimiter: string): [string, string][] {
  const pairs: [string, string][] = [];
  for (const part of text.split(delimiter, MAX_LINE_FIELDS)) {
    const equals = part.indexOf('=');
    if (equals > 0) pairs.push([part.slice(0, equals).trim(), part.slice(equals + 1)]);
  }
  return pairs;
}
