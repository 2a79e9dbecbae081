/**
 * The envelope of a syslog message, as the wire, files and collectors carry it: RFC 5424, RFC 3164 and what devices make of it (ISO
 * times, a year before or after the day, sequence numbers, `%ASA-6-302013:`), down to a bare line. One pass from left to right, linear
 * whatever the text. What the message says is not read here; times are in `syslog-time.ts`, structured data in `structured-data.ts`.
 */
import { readStructuredData, type StructuredData } from './structured-data.ts';
import { isDigit, isIsoTime, scanEpoch, scanTime } from './syslog-time.ts';

/** What an envelope names; what it does not name is undefined. */
export interface SyslogLine {
  /** The whole line without its end. */
  readonly text: string;
  /** RFC 5424 numbers, given by `<priority>` only. */
  readonly facility: number | undefined;
  readonly severity: number | undefined;
  /** 1 to 999 in RFC 5424; undefined in all other dialects. */
  readonly version: number | undefined;
  /** ISO 8601, or `Mmm dd hh:mm:ss` where the year is not said. */
  readonly timestamp: string | undefined;
  readonly host: string | undefined;
  /** Program, app name or tag. */
  readonly program: string | undefined;
  /** What stands in `[…]` after the tag; in RFC 5424 the process id as it is. */
  readonly process: string | undefined;
  readonly messageId: string | undefined;
  readonly structuredData: StructuredData | undefined;
  /** Number that Cisco devices count messages by, as written. */
  readonly sequence: string | undefined;
  /** `ASA-6-302013` of a message that begins with `%ASA-6-302013:`. */
  readonly mnemonic: string | undefined;
  /** Everything else; never cut. Without the byte order mark of RFC 5424. */
  readonly message: string;
}

/** Reads a line; one that has no header at all is all message. Line ends at its end are no part of it. */
export function parseSyslogLine(text: string): SyslogLine {
  const reader = new LineReader(text);
  reader.read();
  return reader;
}

/** Whether a line says more than its message: priority, time, or a device's mnemonic. */
export function hasHeader(line: SyslogLine): boolean {
  return line.facility !== undefined || line.timestamp !== undefined || line.mnemonic !== undefined;
}

/** Longest tag; RFC 3164 allows 32, programs use more. */
const MAX_PROGRAM = 128;
/** Highest priority: facility 23, severity 7 (RFC 5424, 6.2.1). */
const MAX_PRIORITY = 191;
/** Longest mnemonic that is looked for. */
const MAX_MNEMONIC = 64;
const AIX_RELAY = 'Message forwarded from ';

const SPACE = 0x20;
const PERCENT = 0x25;
const ASTERISK = 0x2a;
const DASH = 0x2d;
const DOT = 0x2e;
const COLON = 0x3a;
const LESS = 0x3c;
const GREATER = 0x3e;
const OPEN_BRACKET = 0x5b;
const BYTE_ORDER_MARK = 0xfeff;

/** The line being read, and its envelope as far as it is known. */
class LineReader implements SyslogLine {
  facility: number | undefined = undefined;
  severity: number | undefined = undefined;
  version: number | undefined = undefined;
  timestamp: string | undefined = undefined;
  host: string | undefined = undefined;
  program: string | undefined = undefined;
  process: string | undefined = undefined;
  messageId: string | undefined = undefined;
  structuredData: StructuredData | undefined = undefined;
  sequence: string | undefined = undefined;
  mnemonic: string | undefined = undefined;
  message = '';
  readonly text: string;
  #at = 0;

  constructor(text: string) {
    this.text = withoutLineEnd(text);
  }

  read(): void {
    this.#readPriority();
    if (!this.#readVersion1()) this.#readBsd();
  }

  /** `<34>`; anything else there is text. */
  #readPriority(): void {
    const text = this.text;
    if (text.charCodeAt(0) !== LESS) return;
    let value = 0;
    let at = 1;
    for (let unit = text.charCodeAt(at); isDigit(unit) && at < 5; unit = text.charCodeAt(++at)) value = value * 10 + unit - 0x30;
    if (at < 2 || at > 4 || value > MAX_PRIORITY || text.charCodeAt(at) !== GREATER) return;
    this.facility = value >> 3;
    this.severity = value & 7;
    this.#at = at + 1;
  }

  /** `1 TIME HOST APP PID MSGID SD MSG` (RFC 5424, 6), or `1 EPOCH HOST MSG` as Meraki devices write. */
  #readVersion1(): boolean {
    const text = this.text;
    const start = this.#at;
    let at = start;
    let version = 0;
    for (let unit = text.charCodeAt(at); isDigit(unit) && at < start + 4; unit = text.charCodeAt(++at))
      version = version * 10 + unit - 0x30;
    if (at === start || at > start + 3 || version === 0 || text.charCodeAt(at) !== SPACE) return false;
    const timeAt = at + 1;
    const timeEnd = text.indexOf(' ', timeAt);
    if (timeEnd === -1) return false;
    const hasNoTime = timeEnd === timeAt + 1 && text.charCodeAt(timeAt) === DASH;
    if (hasNoTime ? this.facility === undefined : !isIsoTime(text, timeAt, timeEnd)) return this.#readEpoch(timeAt, timeEnd);
    this.version = version;
    if (!hasNoTime) this.timestamp = text.slice(timeAt, timeEnd);
    this.#readWords(timeEnd + 1);
    return true;
  }

  #readWords(hostAt: number): void {
    const text = this.text;
    const hostEnd = text.indexOf(' ', hostAt);
    const appEnd = hostEnd === -1 ? -1 : text.indexOf(' ', hostEnd + 1);
    const processEnd = appEnd === -1 ? -1 : text.indexOf(' ', appEnd + 1);
    const idEnd = processEnd === -1 ? -1 : text.indexOf(' ', processEnd + 1);
    const data = idEnd === -1 ? undefined : readStructuredData(text, idEnd + 1);
    if (data === undefined) {
      // Says that it is RFC 5424 and is not: the rest is read as other dialects write it, so that nothing of it is lost.
      this.#at = hostAt;
      this.#readHost();
      return;
    }
    this.host = wordOf(text, hostAt, hostEnd);
    this.program = wordOf(text, hostEnd + 1, appEnd);
    this.process = wordOf(text, appEnd + 1, processEnd);
    this.messageId = wordOf(text, processEnd + 1, idEnd);
    this.structuredData = data.elements;
    const from = text.charCodeAt(data.end) === SPACE ? data.end + 1 : data.end;
    this.#takeMessage(text.charCodeAt(from) === BYTE_ORDER_MARK ? from + 1 : from);
  }

  #readEpoch(at: number, end: number): boolean {
    const timestamp = scanEpoch(this.text, at, end);
    if (timestamp === undefined) return false;
    this.timestamp = timestamp;
    this.#at = end + 1;
    this.#readHost();
    return true;
  }

  #readBsd(): void {
    if (this.facility !== undefined) this.#readSequence();
    const found = this.#readTime();
    if (found) this.#readHost();
    else if (this.facility !== undefined) this.#readTag();
    else this.#takeMessage(this.#at);
  }

  /** `45: `, `000045: router1: 000046: ` before the time (Cisco IOS, `service sequence-numbers` and `logging origin-id`). */
  #readSequence(): void {
    const end = this.#endOfSequence(this.#at);
    if (end === undefined) return;
    this.sequence = this.text.slice(this.#at, end);
    this.#at = end + 2;
    const colon = this.text.indexOf(': ', this.#at);
    if (colon === -1 || colon - this.#at > MAX_MNEMONIC || this.text.indexOf(' ', this.#at) !== colon + 1) return;
    const next = this.#endOfSequence(colon + 2);
    const isOrigin = next !== undefined || scanTime(this.text, this.#skipClockMark(colon + 2), true) !== undefined;
    if (!isOrigin || this.text.charCodeAt(this.#at) === PERCENT) return;
    this.host = this.text.slice(this.#at, colon);
    this.#at = next === undefined ? colon + 2 : next + 2;
  }

  /** End of the digits at `at` that `: ` follows. */
  #endOfSequence(at: number): number | undefined {
    let end = at;
    while (end - at <= 10 && isDigit(this.text.charCodeAt(end))) end++;
    return end > at && end - at <= 10 && this.text.startsWith(': ', end) ? end : undefined;
  }

  /** `*` and `.` say that a Cisco device's clock is not set or not synchronised. */
  #skipClockMark(at: number): number {
    const unit = this.text.charCodeAt(at);
    return unit === ASTERISK || unit === DOT ? at + 1 : at;
  }

  #readTime(): boolean {
    const time = scanTime(this.text, this.#skipClockMark(this.#at), this.facility !== undefined);
    if (time === undefined) return false;
    this.timestamp = time.timestamp;
    // `: ` closes the header of Cisco devices, a space that of all others.
    const at = this.text.charCodeAt(time.end) === COLON ? time.end + 1 : time.end;
    this.#at = this.text.charCodeAt(at) === SPACE ? at + 1 : at;
    return true;
  }

  /** The host after the time, unless what stands there is a tag or the message. */
  #readHost(): void {
    const text = this.text;
    const start = this.#at;
    const unit = text.charCodeAt(start);
    // Some write two spaces where the host is missing.
    if (unit === SPACE) this.#at = start + 1;
    else if (unit !== PERCENT && this.host === undefined) {
      const space = text.indexOf(' ', start);
      const end = space === -1 ? text.length : space;
      if (text.startsWith(AIX_RELAY, start)) this.#readRelayed(start + AIX_RELAY.length);
      else if (space !== -1 && !this.#takeHostBeforeMnemonic(start, end) && !isTagWord(text, start, end)) {
        this.host = text.slice(start, end);
        this.#at = text.startsWith(': ', end + 1) ? end + 3 : end + 1;
      }
    }
    this.#readTag();
  }

  /** `asa1: %ASA-…`: a host although a colon follows it. */
  #takeHostBeforeMnemonic(start: number, end: number): boolean {
    if (this.text.charCodeAt(end - 1) !== COLON || this.text.charCodeAt(end + 1) !== PERCENT) return false;
    this.host = this.text.slice(start, end - 1);
    this.#at = end + 1;
    return true;
  }

  /** `Message forwarded from web1: sshd[1]: …`, as AIX relays. */
  #readRelayed(at: number): void {
    const colon = this.text.indexOf(': ', at);
    const space = this.text.indexOf(' ', at);
    if (colon === -1 || space !== colon + 1) return;
    this.host = this.text.slice(at, colon);
    this.#at = colon + 2;
  }

  /** `program[pid]: text`, or a device's mnemonic. A text with neither is all message (RFC 3164, 5.3). */
  #readTag(): void {
    const text = this.text;
    const start = this.#at;
    if (text.charCodeAt(start) === PERCENT) return this.#takeMessage(start);
    let end = start;
    while (end - start < MAX_PROGRAM && isTagLetter(text.charCodeAt(end))) end++;
    const unit = text.charCodeAt(end);
    if (end === start || (unit !== COLON && unit !== OPEN_BRACKET)) return this.#takeMessage(start);
    let colon = end;
    if (unit === OPEN_BRACKET) {
      const close = text.indexOf(']', end);
      if (close === -1 || text.charCodeAt(close + 1) !== COLON) return this.#takeMessage(start);
      this.process = text.slice(end + 1, close);
      colon = close + 1;
    }
    this.program = text.slice(start, end);
    this.#takeMessage(text.charCodeAt(colon + 1) === SPACE ? colon + 2 : colon + 1);
  }

  #takeMessage(from: number): void {
    const text = this.text;
    this.message = from === 0 ? text : text.slice(from);
    if (text.charCodeAt(from) === PERCENT) this.mnemonic = mnemonicAt(text, from);
  }
}

/** `ASA-6-302013` in `%ASA-6-302013:`: facility, severity 0 to 7, code; undefined where a `%` begins something else. */
function mnemonicAt(text: string, percent: number): string | undefined {
  const colon = text.indexOf(':', percent);
  if (colon === -1 || colon - percent > MAX_MNEMONIC) return undefined;
  const words = text.slice(percent + 1, colon);
  return /^[A-Z][A-Z0-9_]*(?:-[A-Z0-9_]+)*-[0-7]-[A-Z0-9_]+$/.test(words) ? words : undefined;
}

/** A word of RFC 5424; `-` says that there is none. */
function wordOf(text: string, from: number, to: number): string | undefined {
  return to - from === 1 && text.charCodeAt(from) === DASH ? undefined : text.slice(from, to);
}

/** `su:`, `sshd[12]:`: what a program's tag looks like, and no host. An address may end in `::`. */
function isTagWord(text: string, start: number, end: number): boolean {
  if (text.charCodeAt(end - 1) !== COLON) return false;
  return text.charCodeAt(end - 2) !== COLON;
}

/** Letters, digits and `._-/()@+`: what programs call themselves. Not space, colon, bracket. */
function isTagLetter(unit: number): boolean {
  return unit > 0x20 && unit < 0x7f && unit !== COLON && unit !== OPEN_BRACKET && unit !== 0x5d;
}

/** Some senders end a message with a line end or NUL. */
function withoutLineEnd(text: string): string {
  let end = text.length;
  for (let unit = text.charCodeAt(end - 1); unit === 0x0a || unit === 0x0d || unit === 0; unit = text.charCodeAt(end - 1)) end--;
  return end === text.length ? text : text.slice(0, end);
}
