/** Streams of CSV (RFC 4180, also with semicolons or tabs): the first row names the columns; a row may hold line ends within quotes. */
import { isUtf8 } from 'node:buffer';
import { type DecodedRecord, type DecodeLimits, rejectRecord } from '../decoders/record-decoder.ts';
import { type CsvHead, readCsvEvents, sniffCsv } from '../rows/csv-rows.ts';
import { tooLong } from './line-stream.ts';
import type { RecordStream } from './record-stream.ts';
import { recordOfRow, rejectRow } from './row-record.ts';

/** A stream of rows, each of which becomes a JSON object. */
export function createCsvStream(limits: DecodeLimits): RecordStream {
  return new CsvStream(limits);
}

const QUOTE = 0x22;
const LF = 0x0a;

class CsvStream implements RecordStream {
  readonly #limits: DecodeLimits;
  #head: CsvHead | undefined;
  #headText = '';
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #inQuotes = false;
  /** A row was too long: what comes up to its end is passed over. */
  #isSkipping = false;

  constructor(limits: DecodeLimits) {
    this.#limits = limits;
  }

  push(bytes: Uint8Array): DecodedRecord[] {
    const found: DecodedRecord[] = [];
    let from = 0;
    for (let at = 0; at < bytes.length; at++) {
      if (bytes[at] === QUOTE) this.#inQuotes = !this.#inQuotes;
      else if (bytes[at] === LF && !this.#inQuotes) {
        this.#takeRow(bytes.subarray(from, at + 1), found);
        from = at + 1;
      }
    }
    this.#hold(bytes.subarray(from), found);
    return found;
  }

  end(): DecodedRecord[] {
    const found: DecodedRecord[] = [];
    if (this.#heldBytes > 0) this.#takeRow(new Uint8Array(0), found);
    return found;
  }

  #hold(part: Uint8Array, found: DecodedRecord[]): void {
    if (part.length === 0 || this.#isSkipping) return;
    this.#heldBytes += part.length;
    if (this.#heldBytes > this.#limits.maxRecordBytes) {
      found.push(tooLong(this.#heldBytes, this.#limits));
      this.#held = [];
      this.#heldBytes = 0;
      this.#isSkipping = part[part.length - 1] !== LF;
      // The quote that was never closed has taken enough: the next line is a row again.
      this.#inQuotes = false;
    } else this.#held.push(part.slice());
  }

  #takeRow(last: Uint8Array, found: DecodedRecord[]): void {
    if (this.#isSkipping) {
      this.#isSkipping = false;
      return;
    }
    const row = this.#held.length === 0 ? last.slice() : Buffer.concat([...this.#held, last]);
    this.#held = [];
    this.#heldBytes = 0;
    if (row.length > this.#limits.maxRecordBytes) found.push(tooLong(row.length, this.#limits));
    else if (!isUtf8(row)) found.push(rejectRecord(row, 'decode.bad_utf8', { format: 'csv' }));
    else this.#readRow(new TextDecoder().decode(row), found);
  }

  #readRow(text: string, found: DecodedRecord[]): void {
    if (this.#head === undefined) {
      if (this.#headText === '' && text.trim() === '') return;
      this.#headText += text;
      this.#head = sniffCsv(`${this.#headText}\n`);
      if (this.#head === undefined) {
        found.push(rejectRow(text.trimEnd(), 'csv', 'its first row is no head of named columns'));
        this.#headText = '';
      }
      return;
    }
    for (const event of readCsvEvents(text, this.#head).events) {
      if ('fields' in event) found.push(...recordOfRow(event.fields, this.#limits));
      else found.push(rejectRow(text.trimEnd(), 'csv', event.reason));
    }
  }
}
