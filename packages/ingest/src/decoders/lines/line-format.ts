/**
 * Formats whose records are lines of text: what each has to say of itself, and the decoder made of it. How a line travels (behind a syslog
 * header, in a member of a JSON object, in a container's log) is `carried-line.ts`; the formats stand in files beside this one.
 */
import type { Fields } from '@tocsin/core';
import { mayHide } from '../../safe-decode/may-hide.ts';
import { safeDecode } from '../../safe-decode/safe-decode.ts';
import { type DecodedRecord, type DecodeLimits, type RecordDecoder, rejectRecord } from '../record-decoder.ts';
import { wordsOfEnvelope } from '../syslog/syslog.ts';
import { hasHeader } from '../syslog/syslog-line.ts';
import { type CarriedLine, openCarried } from './carried-line.ts';

/** A format of lines. Both take time linear in the line and never throw. */
export interface LineFormat {
  readonly name: string;
  /** Whether a line may be one: cheap, and false for lines of other formats. */
  looks(line: string): boolean;
  /** Fields of a line; undefined where it is none. */
  read(line: string): Fields | undefined;
  /** Fields that strangers fill: where one hides something, what it says stands under `decoded.NAME`. */
  readonly decodes?: readonly string[] | undefined;
  /** What a line must have, for the sender of one that has not. */
  readonly wants: string;
}

/** Members of one record at most; what a line has beyond them is left out. */
export const MAX_LINE_FIELDS = 1000;

/** Decoder of one line per record. */
export function createLineDecoder(format: LineFormat): RecordDecoder {
  return { decode: (bytes, limits) => [decodeLine(format, bytes, limits)] };
}

/** A line's fields with those of what carried it beneath; undefined where it is no line of the format. */
export function readCarried(format: LineFormat, { line, carrier, envelope }: CarriedLine): Fields | undefined {
  const isHeaded = hasHeader(envelope);
  const own = format.read(line) ?? (isHeaded ? format.read(envelope.message) : undefined);
  if (own === undefined) return undefined;
  return { ...carrier, ...(isHeaded ? wordsOfEnvelope(envelope) : undefined), ...own, ...decodedOf(format, own) };
}

function decodedOf({ decodes = [] }: LineFormat, fields: Fields): Fields {
  const found: [string, string][] = [];
  for (const name of decodes) {
    const value = fields[name];
    if (typeof value !== 'string' || !mayHide(value)) continue;
    const { text, layers } = safeDecode(value);
    if (layers.length > 0) found.push([`decoded.${name}`, text]);
  }
  return Object.fromEntries(found);
}

function decodeLine(format: LineFormat, bytes: Uint8Array, limits: DecodeLimits): DecodedRecord {
  const carried = openCarried(bytes, format.name, limits);
  if ('rejected' in carried) return carried;
  const fields = readCarried(format, carried);
  if (fields === undefined) return rejectRecord(bytes, 'decode.bad_line', { format: format.name, reason: `it is not ${format.wants}` });
  const count = Object.keys(fields).length;
  return count > limits.maxKeys
    ? rejectRecord(bytes, 'decode.too_many_keys', { maxKeys: limits.maxKeys })
    : { record: bytes, format: format.name, fields };
}
