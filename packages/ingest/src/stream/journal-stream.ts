/**
 * Streams of the journal's export format (`journalctl -o export`): fields by lines, binary ones by length, a blank line behind each entry. Each
 * entry becomes the JSON object that `journalctl -o json` would make of it; bytes that are no text read as U+FFFD. Source: systemd, "Journal Export
 * Formats". An entry that is too long or malformed is passed over, and the next one is read.
 */
import { readJournalEntry } from '../decoders/journal-record.ts';
import { type DecodedRecord, type DecodeLimits, rejectRecord } from '../decoders/record-decoder.ts';
import type { RecordStream } from './record-stream.ts';

const LF = 0x0a;
const EQUALS = 0x3d;
const LENGTH_BYTES = 8;
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const NOTHING = Buffer.alloc(0);

/** Whether bytes begin as an export of the journal: every entry begins with its cursor. */
export function looksLikeJournalExport(text: string): boolean {
  return /^__CURSOR=[^\n]{1,1024}\n__REALTIME_TIMESTAMP=\d{1,20}\n/.test(text);
}

/** A stream of entries; holds less than one. */
export function createJournalStream(limits: DecodeLimits): RecordStream {
  return new JournalStream(limits);
}

class JournalStream implements RecordStream {
  readonly #limits: DecodeLimits;
  #held: Buffer = NOTHING;
  #fields = new Map<string, string[]>();
  #entryBytes = 0;
  #count = 0;
  /** Why the entry is not taken; its fields are read, and left out. */
  #fault: DecodedRecord | undefined;
  /** Bytes of a field that are passed over. */
  #skip = 0;
  /** Whether everything up to the next blank line is passed over. */
  #isLost = false;

  constructor(limits: DecodeLimits) {
    this.#limits = limits;
  }

  push(bytes: Uint8Array): DecodedRecord[] {
    const found: DecodedRecord[] = [];
    const all = this.#held.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
    let at = 0;
    for (;;) {
      const next = this.#step(all, at, found);
      if (next === undefined) break;
      at = next;
    }
    this.#held = all.subarray(at);
    return found;
  }

  end(): DecodedRecord[] {
    const found: DecodedRecord[] = [];
    if (this.#held.length > 0 || this.#skip > 0) this.#refuse('it is cut off');
    this.#close(found);
    return found;
  }

  /** Reads one line or field; undefined where it needs more bytes. */
  #step(all: Buffer, at: number, found: DecodedRecord[]): number | undefined {
    if (this.#skip > 0) {
      const skipped = Math.min(this.#skip, all.length - at);
      this.#skip -= skipped;
      return skipped === 0 ? undefined : at + skipped;
    }
    const end = all.indexOf(LF, at);
    if (end === -1) {
      if (all.length - at <= this.#limits.maxRecordBytes) return undefined;
      this.#tooLarge(all.length - at);
      this.#isLost = true;
      return all.length;
    }
    if (end === at) {
      this.#close(found);
      return end + 1;
    }
    if (this.#isLost) return end + 1;
    const equals = all.subarray(at, end).indexOf(EQUALS);
    if (equals === -1) return this.#binary(all, at, end);
    this.#add(all.subarray(at, at + equals), all.subarray(at + equals + 1, end));
    return end + 1;
  }

  /** A name, eight bytes of length, so many bytes, and a line end. */
  #binary(all: Buffer, at: number, end: number): number | undefined {
    const from = end + 1 + LENGTH_BYTES;
    if (all.length < from) return undefined;
    const length = all.readBigUInt64LE(end + 1);
    if (length > BigInt(this.#limits.maxRecordBytes)) {
      this.#tooLarge(Number(length));
      // A length that cannot be one says nothing about where the next line begins.
      if (length < 1n << 40n) this.#skip = Number(length) + 1;
      else this.#isLost = true;
      return from;
    }
    const to = from + Number(length);
    if (all.length <= to) return undefined;
    if (all[to] !== LF) {
      this.#refuse('a field of it is longer than it says');
      this.#isLost = true;
      return from;
    }
    this.#add(all.subarray(at, end), all.subarray(from, to));
    return to + 1;
  }

  #add(name: Buffer, value: Buffer): void {
    if (this.#fault !== undefined) return;
    const key = name.toString('latin1');
    this.#entryBytes += name.length + value.length + 1;
    this.#count += 1;
    if (!NAME.test(key)) this.#refuse('the name of a field of it is none');
    else if (this.#entryBytes > this.#limits.maxRecordBytes) this.#tooLarge(this.#entryBytes);
    else if (this.#count > this.#limits.maxKeys)
      this.#fault = rejectRecord(NOTHING, 'decode.too_many_keys', { maxKeys: this.#limits.maxKeys });
    else this.#fields.set(key, [...(this.#fields.get(key) ?? []), value.toString('utf8')]);
  }

  #close(found: DecodedRecord[]): void {
    if (this.#fault !== undefined) found.push(this.#fault);
    else if (this.#fields.size > 0) found.push(readJournalEntry(this.#fields));
    this.#fields = new Map();
    this.#entryBytes = 0;
    this.#count = 0;
    this.#fault = undefined;
    this.#isLost = false;
  }

  #refuse(reason: string): void {
    this.#fault ??= rejectRecord(NOTHING, 'decode.bad_line', { format: 'journal', reason });
  }

  #tooLarge(bytes: number): void {
    this.#fault ??= rejectRecord(NOTHING, 'decode.too_large', { bytes, maxBytes: this.#limits.maxRecordBytes });
  }
}
