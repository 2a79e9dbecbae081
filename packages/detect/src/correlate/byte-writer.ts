/** Numbers, texts, hashes and ids of events as few bytes, one after the other (`byte-reader.ts` reads them). What does not fit is noted, not thrown. */

/** Letters of a ULID (https://github.com/ulid/spec): Crockford's base 32. */
export const ULID_LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** Value of each letter by its code; 255 for those that are none. */
const ULID_VALUES = Uint8Array.from({ length: 128 }, (_, code) => ULID_LETTERS.indexOf(String.fromCharCode(code)) & 0xff);

/** Writes into one array, again and again from its beginning. */
export class ByteWriter {
  readonly bytes: Uint8Array;
  length = 0;
  /** Whether everything fitted since `begin`. */
  isWhole = true;
  readonly #view: DataView;

  constructor(maxBytes: number) {
    this.bytes = new Uint8Array(maxBytes);
    this.#view = new DataView(this.bytes.buffer);
  }

  begin(): void {
    this.length = 0;
    this.isWhole = true;
  }

  byte(value: number): void {
    if (this.length < this.bytes.length) this.bytes[this.length++] = value;
    else this.isWhole = false;
  }

  /** A whole number from 0 to 2^53 - 1, seven bits in a byte, the lowest first. */
  count(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80);
      rest = rest < 0x80000000 ? rest >>> 7 : Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  double(value: number): void {
    if (this.length + 8 > this.bytes.length) {
      this.isWhole = false;
      return;
    }
    this.#view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** A text of letters below 256 behind its length. */
  text(text: string): void {
    this.count(text.length);
    const { bytes, length } = this;
    if (length + text.length > bytes.length) {
      this.isWhole = false;
      return;
    }
    let seen = 0;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      seen |= unit;
      bytes[length + i] = unit;
    }
    this.length = length + text.length;
    if (seen > 0xff) this.isWhole = false;
  }

  /** A hash of 64 hex digits in lower case. */
  hash(hex: string): void {
    const { bytes, length } = this;
    let wrong = hex.length === 64 && length + 32 <= bytes.length ? 0 : -1;
    for (let i = 0; i < 32 && wrong >= 0; i++) {
      const high = digit(hex.charCodeAt(2 * i));
      const low = digit(hex.charCodeAt(2 * i + 1));
      wrong |= high | low;
      bytes[length + i] = 16 * high + low;
    }
    this.length = Math.min(length + 32, bytes.length);
    if (wrong < 0) this.isWhole = false;
  }

  /** An id of 26 letters of a ULID in 17 bytes; false, with nothing written, where it is none. */
  ulid(text: string): boolean {
    const { bytes } = this;
    if (text.length !== 26 || this.length + 17 > bytes.length) return false;
    let at = this.length;
    let bits = 0;
    let held = 0;
    for (let i = 0; i < 26; i++) {
      const unit = text.charCodeAt(i);
      const value = unit < 128 ? (ULID_VALUES[unit] as number) : 255;
      if (value > 31) return false;
      held = (held << 5) | value;
      bits += 5;
      if (bits < 8) continue;
      bits -= 8;
      bytes[at++] = held >>> bits;
      held &= (1 << bits) - 1;
    }
    bytes[at++] = held;
    this.length = at;
    return true;
  }
}

/** Value of a hex digit in lower case; negative for anything else. */
function digit(unit: number): number {
  if (unit >= 48 && unit < 58) return unit - 48;
  return unit >= 97 && unit < 103 ? unit - 87 : -1;
}
