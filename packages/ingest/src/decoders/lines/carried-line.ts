/**
 * How a line of text travels: as it is, as the `message` of a JSON object (Beats, Fluent Bit), as the `log` of one (Docker), as `MESSAGE`
 * (journald), behind `TIME stdout F` (containerd), and in each of these behind a syslog header.
 */
import type { Fields } from '@tocsin/core';
import { decodeUtf8, parseJsonText } from '../json-record.ts';
import { type DecodeLimits, type RejectedRecord, rejectRecord } from '../record-decoder.ts';
import { textOfLine } from '../syslog/syslog.ts';
import { parseSyslogLine, type SyslogLine } from '../syslog/syslog-line.ts';

/** A line, what its carrier says (members of the JSON object, words of the container), and its syslog envelope, which may name nothing. */
export interface CarriedLine {
  readonly line: string;
  readonly carrier: Fields;
  readonly envelope: SyslogLine;
}

/** Members of JSON objects that carry lines, in order of precedence. */
export const LINE_MEMBERS = ['message', 'log', 'MESSAGE'] as const;

/** Opens bytes as a line. */
export function openCarried(bytes: Uint8Array, format: string, limits: DecodeLimits): CarriedLine | RejectedRecord {
  if (bytes.length > limits.maxRecordBytes)
    return rejectRecord(bytes, 'decode.too_large', { bytes: bytes.length, maxBytes: limits.maxRecordBytes });
  const line = textOfLine(bytes);
  // A line must not be hidden by bytes that are no text: U+FFFD stands for them. JSON is text or no JSON.
  if (!looksLikeJson(line)) return openLine(line);
  const text = decodeUtf8(bytes);
  if (text === undefined) return rejectRecord(bytes, 'decode.bad_utf8', { format });
  const parsed = parseJsonText(text, bytes, { format, limits });
  if ('refusal' in parsed) return parsed.refusal;
  return (
    openMember(parsed.fields) ??
    rejectRecord(bytes, 'decode.bad_line', { format, reason: `no member ${LINE_MEMBERS.join(', ')} carries a line` })
  );
}

/** Whether decoders of lines read a text as JSON. */
export function looksLikeJson(text: string): boolean {
  return text.trimStart().startsWith('{');
}

/** The line that a JSON object carries; undefined where it carries none. */
export function openMember(wrapper: Fields): CarriedLine | undefined {
  const name = LINE_MEMBERS.find((each) => typeof wrapper[each] === 'string');
  const line = name === undefined ? undefined : wrapper[name];
  return typeof line === 'string' ? openLine(line, wrapper) : undefined;
}

/** A line of text; its end is no part of it. */
export function openLine(text: string, wrapper: Fields = NOTHING): CarriedLine {
  const bare = withoutLineEnd(text);
  const container = readContainerLine(bare);
  const line = container === undefined ? bare : withoutLineEnd(String(container['log']));
  const carrier = container === undefined ? wrapper : { ...wrapper, ...container };
  return { line, carrier, envelope: parseSyslogLine(line) };
}

/** `2016-10-06T00:17:09.669794202Z stdout F text` (Kubernetes, "CRI logging format"); undefined where a line is none. */
function readContainerLine(line: string): Fields | undefined {
  const timeEnd = line.indexOf(' ');
  if (timeEnd < 20 || timeEnd > 40 || line[4] !== '-' || line[10] !== 'T') return undefined;
  const stream = line.startsWith('stdout ', timeEnd + 1) ? 'stdout' : line.startsWith('stderr ', timeEnd + 1) ? 'stderr' : undefined;
  const tagAt = timeEnd + 8;
  if (stream === undefined || (line[tagAt] !== 'F' && line[tagAt] !== 'P') || line[tagAt + 1] !== ' ') return undefined;
  return { time: line.slice(0, timeEnd), stream, logtag: line[tagAt], log: line.slice(tagAt + 2) };
}

/** Text without `\n`, `\r\n` at its end. */
function withoutLineEnd(line: string): string {
  let end = line.length;
  while (end > 0 && (line[end - 1] === '\n' || line[end - 1] === '\r')) end--;
  return end === line.length ? line : line.slice(0, end);
}

const NOTHING: Fields = Object.freeze({});
