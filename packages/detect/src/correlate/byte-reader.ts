/** Reads what `byte-writer.ts` wrote. */
import { ULID_LETTERS } from './byte-writer.ts';

const HEX = '0123456789abcdef';

/** Reads bytes from a place on. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    return this.#bytes[this.at++] as number;
  }

  count(): number {
    let value = 0;
    for (let unit = 1; ; unit *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
    }
  }

  double(): number {
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.at, 8);
    this.at += 8;
    return view.getFloat64(0, true);
  }

  text(): string {
    const length = this.count();
    const from = this.at;
    this.at += length;
    let text = '';
    for (let at = from; at < this.at; at++) text += String.fromCharCode(this.#bytes[at] as number);
    return text;
  }

  hash(): string {
    let hex = '';
    for (let i = 0; i < 32; i++) {
      const byte = this.byte();
      hex += `${HEX[byte >>> 4]}${HEX[byte & 15]}`;
    }
    return hex;
  }

  ulid(): string {
    let text = '';
    let bits = 0;
    let held = 0;
    for (let i = 0; i < 26; i++) {
      if (bits < 5) {
        // Of the 17th byte only two bits count.
        const taken = i === 25 ? 2 : 8;
        held = (held << taken) | this.byte();
        bits += taken;
      }
      bits -= 5;
      text += ULID_LETTERS[(held >>> bits) & 31] as string;
      held &= (1 << bits) - 1;
    }
    return text;
  }
}
