/** Cuts bytes of a file into lines with their offsets. Knows nothing of files; a line that is not complete is left for the next read. */
import { Buffer } from 'node:buffer';

/** A line: where it begins in the file, where the next one does, and its bytes as UTF-8 (invalid ones kept), without its end of line. */
export interface FileLine {
  readonly at: number;
  readonly next: number;
  readonly bytes: Buffer;
}

const LF = 0x0a;
const CR = 0x0d;
/** Mark of UTF-16LE and of UTF-8 at the beginning of a file. */
const MARK_UTF16 = Buffer.from([0xff, 0xfe]);
const MARK_UTF8 = Buffer.from([0xef, 0xbb, 0xbf]);

/** Lines of `bytes`, which lie at `base` of a file. Lines are views where nothing had to be decoded. */
export function cutFileLines(bytes: Buffer, base: number, isWide: boolean): FileLine[] {
  const lines: FileLine[] = [];
  let start = 0;
  for (let end = endOfLine(bytes, start, isWide); end !== -1; end = endOfLine(bytes, start, isWide)) {
    const next = end + (isWide ? 2 : 1);
    lines.push({ at: base + start, next: base + next, bytes: lineText(bytes.subarray(start, end), base + start, isWide) });
    start = next;
  }
  return lines;
}

/** Place of the first end of line at or after `from`; -1 where there is none. `bytes` begin at an even offset of a wide file. */
export function endOfLine(bytes: Buffer, from: number, isWide: boolean): number {
  if (!isWide) return bytes.indexOf(LF, from);
  for (let at = bytes.indexOf(LF, from); at !== -1; at = bytes.indexOf(LF, at + 1)) if (at % 2 === 0 && bytes[at + 1] === 0) return at;
  return -1;
}

/** What a line says, as UTF-8: without the file's mark and a last carriage return. */
export function lineText(raw: Buffer, at: number, isWide: boolean): Buffer {
  const mark = at > 0 ? 0 : markLength(raw);
  const body = raw.subarray(mark);
  const text = isWide ? Buffer.from(body.toString('utf16le')) : body;
  return text.at(-1) === CR ? text.subarray(0, -1) : text;
}

/** Whether a file that begins so is UTF-16LE. */
export function isWideFile(first: Buffer): boolean {
  return first.subarray(0, 2).equals(MARK_UTF16);
}

function markLength(raw: Buffer): number {
  if (isWideFile(raw)) return 2;
  return raw.subarray(0, 3).equals(MARK_UTF8) ? 3 : 0;
}
