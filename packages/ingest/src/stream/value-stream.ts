/** Streams of JSON values over any number of lines, one after the other or as the elements of a list; and of events in XML. */
import { decoders, type FormatName } from '../decoders/decoders.ts';
import { type DecodedRecord, type DecodeLimits, ENVELOPE_FACTOR } from '../decoders/record-decoder.ts';
import { tooLong } from './line-stream.ts';
import type { RecordStream } from './record-stream.ts';
import { createValueScan, createXmlScan, type Scan } from './value-scan.ts';

/** How values lie: `depth` 0 one after the other, 1 as elements of a list. */
export interface ValuePlace {
  readonly depth: 0 | 1;
  readonly isXml?: boolean;
}

/** A stream of values; holds one at most. */
export function createValueStream(format: FormatName, limits: DecodeLimits, place: ValuePlace): RecordStream {
  return new ValueStream(format, limits, place.isXml === true ? createXmlScan() : createValueScan(place.depth));
}

class ValueStream implements RecordStream {
  readonly #format: FormatName;
  readonly #limits: DecodeLimits;
  readonly #scan: Scan;
  #held: Uint8Array[] = [];
  #heldBytes = 0;

  constructor(format: FormatName, limits: DecodeLimits, scan: Scan) {
    this.#format = format;
    this.#limits = limits;
    this.#scan = scan;
  }

  push(bytes: Uint8Array): DecodedRecord[] {
    const found: DecodedRecord[] = [];
    let from = this.#scan.isOpen ? 0 : -1;
    for (let at = 0; at < bytes.length; at++) {
      const what = this.#scan.step(bytes[at] as number);
      if (what === 'begins') from = at;
      else if (what === 'ended' || what === 'ends') {
        this.#take(bytes.subarray(Math.max(from, 0), what === 'ends' ? at + 1 : at), found);
        from = -1;
      }
    }
    if (from !== -1 && this.#scan.isOpen) this.#hold(bytes.subarray(from));
    return found;
  }

  end(): DecodedRecord[] {
    const found: DecodedRecord[] = [];
    if (this.#heldBytes > 0) this.#take(new Uint8Array(0), found);
    return found;
  }

  #hold(part: Uint8Array): void {
    this.#heldBytes += part.length;
    if (this.#heldBytes > this.#limits.maxRecordBytes * ENVELOPE_FACTOR) this.#held = [];
    else this.#held.push(part.slice());
  }

  #take(last: Uint8Array, found: DecodedRecord[]): void {
    const bytes = this.#heldBytes + last.length;
    if (bytes > this.#limits.maxRecordBytes * ENVELOPE_FACTOR) found.push(tooLong(bytes, this.#limits));
    else
      found.push(
        ...decoders[this.#format].decode(this.#held.length === 0 ? last.slice() : Buffer.concat([...this.#held, last]), this.#limits),
      );
    this.#held = [];
    this.#heldBytes = 0;
  }
}
