/**
 * The header of a syslog line as files and collectors keep it: RFC 3164 (`Mar 27 13:06:56 host sshd[12]: text`), the same with
 * an ISO time as newer rsyslog writes, and RFC 5424 (`1 2018-03-24T08:59:37-07:00 host app 12 - - text`), each with or without
 * `<priority>`. One pass from left to right. What the text says is not read here.
 */

/** What a header names. `timestamp` is as written: without a year in RFC 3164. */
export interface SyslogHeader {
  readonly timestamp: string;
  readonly host?: string | undefined;
  readonly program?: string | undefined;
  readonly pid?: number | undefined;
  /** RFC 5424 numbers, given by `<priority>` only. */
  readonly facility?: number | undefined;
  readonly severity?: number | undefined;
  readonly message: string;
}

/** Reads a line's header; undefined where there is none. */
export function parseSyslogHeader(line: string): SyslogHeader | undefined {
  const priority = readPriority(line);
  const rest = priority === undefined ? line : line.slice(priority.length);
  const head = rest.startsWith('1 ') ? readVersion1(rest) : readBsd(rest);
  if (head === undefined || priority === undefined) return head;
  return { ...head, facility: priority.value >> 3, severity: priority.value & 7 };
}

function readPriority(line: string): { value: number; length: number } | undefined {
  if (line[0] !== '<') return undefined;
  const close = line.indexOf('>');
  if (close < 2 || close > 4 || !allDigits(line, 1, close)) return undefined;
  const value = Number(line.slice(1, close));
  return value > 191 ? undefined : { value, length: close + 1 };
}

/** `Mmm dd hh:mm:ss host program[pid]: text`; the host is missing where a second space follows the time. */
function readBsd(line: string): SyslogHeader | undefined {
  const timeEnd = isBsdTime(line) ? 15 : isoEnd(line, 0);
  if (timeEnd === undefined || line[timeEnd] !== ' ') return undefined;
  const hostEnd = line.indexOf(' ', timeEnd + 1);
  if (hostEnd === -1) return undefined;
  const host = line.slice(timeEnd + 1, hostEnd);
  const timestamp = line.slice(0, timeEnd);
  return { timestamp, host: host === '' ? undefined : host, ...readTag(line.slice(hostEnd + 1)) };
}

/** `program[pid]: text`. A text without such a tag is all message (RFC 3164, 5.3). */
function readTag(text: string): { program?: string; pid?: number; message: string } {
  let end = 0;
  while (end < text.length && end < MAX_PROGRAM && isTagLetter(text.charCodeAt(end))) end++;
  if (end === 0) return { message: text };
  const program = text.slice(0, end);
  if (text[end] !== '[') return text[end] === ':' ? { program, message: afterColon(text, end) } : { message: text };
  const close = text.indexOf(']', end);
  if (close === -1 || text[close + 1] !== ':') return { message: text };
  return { program, ...pidOf(text.slice(end + 1, close)), message: afterColon(text, close + 1) };
}

function afterColon(text: string, colon: number): string {
  return text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1);
}

/** `1 TIME HOST APP PID MSGID SD MSG` (RFC 5424, 6). */
function readVersion1(line: string): SyslogHeader | undefined {
  const words: string[] = [];
  let at = 2;
  while (words.length < 5) {
    const end = line.indexOf(' ', at);
    if (end === -1) return undefined;
    words.push(line.slice(at, end));
    at = end + 1;
  }
  const [timestamp = '', host = '-', program = '-', pid = '-'] = words;
  if (isoEnd(timestamp, 0) !== timestamp.length) return undefined;
  const message = afterStructuredData(line, at);
  return { timestamp, ...(host === '-' ? {} : { host }), ...(program === '-' ? {} : { program }), ...pidOf(pid), message };
}

/** Text after `-` or `[…][…]`; a `]` within quotes does not close, `\` escapes (RFC 5424, 6.3). */
function afterStructuredData(line: string, from: number): string {
  let at = from;
  if (line[at] === '-') at++;
  else while (line[at] === '[') at = endOfElement(line, at);
  const text = line.slice(line[at] === ' ' ? at + 1 : at);
  return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
}

function endOfElement(line: string, open: number): number {
  let quoted = false;
  let at = open + 1;
  while (at < line.length && (quoted || line[at] !== ']')) {
    if (quoted && line[at] === '\\') at++;
    else if (line[at] === '"') quoted = !quoted;
    at++;
  }
  return Math.min(at + 1, line.length);
}

function pidOf(text: string): { pid?: number } {
  return text.length > 0 && text.length <= 10 && allDigits(text, 0, text.length) ? { pid: Number(text) } : {};
}

function isBsdTime(line: string): boolean {
  return (
    line.length > 15 &&
    line[3] === ' ' &&
    line[6] === ' ' &&
    line[9] === ':' &&
    line[12] === ':' &&
    MONTHS.has(line.slice(0, 3)) &&
    clockDigits(line)
  );
}

function clockDigits(line: string): boolean {
  const day = (line[4] === ' ' || allDigits(line, 4, 5)) && allDigits(line, 5, 6);
  return day && allDigits(line, 7, 9) && allDigits(line, 10, 12) && allDigits(line, 13, 15);
}

/** End of `YYYY-MM-DDThh:mm…` at `from`, up to the next space; undefined where it does not begin so. */
function isoEnd(text: string, from: number): number | undefined {
  if (text[from + 4] !== '-' || text[from + 7] !== '-' || text[from + 10] !== 'T' || !allDigits(text, from, from + 4)) return undefined;
  const space = text.indexOf(' ', from);
  const end = space === -1 ? text.length : space;
  return end - from > MAX_ISO ? undefined : end;
}

function allDigits(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const unit = text.charCodeAt(at);
    if (!(unit >= 0x30 && unit <= 0x39)) return false;
  }
  return true;
}

/** Letters, digits and `._-/()@+`: what programs call themselves. Not space, colon, bracket. */
function isTagLetter(unit: number): boolean {
  return unit > 0x20 && unit < 0x7f && unit !== 0x3a && unit !== 0x5b && unit !== 0x5d;
}

const MONTHS = new Set(['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']);
/** RFC 3164 allows 32, programs use more. */
const MAX_PROGRAM = 128;
const MAX_ISO = 40;
const BYTE_ORDER_MARK = 0xfeff;
