/**
 * Reads the wire format of Protocol Buffers field by field, over bytes that nobody has checked. Knows no message; every length is held
 * against the bytes that are there before it is used. Source: protobuf.dev, "Encoding"; groups (wire types 3 and 4) are refused, as proto3 has none.
 */

/** Something that is no Protocol Buffers message. */
export class BadProtobuf extends Error {
  override readonly name = 'BadProtobuf';
}

/** Wire types. */
export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

/** Longest varint, bytes. */
const MAX_VARINT_BYTES = 10;

/** The fields of one message, one after another. Its members are those of the field at hand. */
export class ProtobufCursor {
  readonly bytes: Buffer;
  /** Number and wire type of the field. */
  field = 0;
  wire = 0;
  /** Its value: of wire type BYTES the bytes from `start` to `end`, of FIXED64 and FIXED32 they begin at `start`. */
  start = 0;
  end = 0;
  /** Its value as a varint, low and high 32 bits, unsigned. */
  low = 0;
  high = 0;
  #at: number;
  readonly #until: number;

  constructor(bytes: Buffer, from: number, until: number) {
    this.bytes = bytes;
    this.#at = from;
    this.#until = until;
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#until - this.#at;
  }

  /** Goes to the next field; false at the end. @throws BadProtobuf */
  next(): boolean {
    if (this.#at >= this.#until) return false;
    this.#varint();
    if (this.high !== 0) throw new BadProtobuf('a field number is out of range');
    this.field = this.low >>> 3;
    this.wire = this.low & 7;
    if (this.field === 0) throw new BadProtobuf('a field has number 0');
    this.#value();
    return true;
  }

  /** The field as text. @throws BadProtobuf where it is no UTF-8 */
  text(): string {
    const text = this.bytes.toString('utf8', this.start, this.end);
    // What is not UTF-8 is replaced by U+FFFD; whoever sent that itself is asked a second time.
    if (text.includes('\ufffd')) return strictly(this.bytes.subarray(this.start, this.end));
    return text;
  }

  /** The fields inside this one. */
  inner(): ProtobufCursor {
    return new ProtobufCursor(this.bytes, this.start, this.end);
  }

  /** Whether the field has this wire type. @throws BadProtobuf where it has another: a peer that changes types is not read on */
  expect(wire: number): void {
    if (this.wire !== wire) throw new BadProtobuf(`field ${this.field} has wire type ${this.wire} and not ${wire}`);
  }

  #value(): void {
    switch (this.wire) {
      case VARINT:
        this.#varint();
        return;
      case FIXED64:
        this.#take(8);
        return;
      case FIXED32:
        this.#take(4);
        return;
      case BYTES:
        this.#varint();
        if (this.high !== 0) throw new BadProtobuf('a length is out of range');
        this.#take(this.low);
        return;
      default:
        throw new BadProtobuf(`wire type ${this.wire} is not known`);
    }
  }

  #take(length: number): void {
    if (length > this.#until - this.#at) throw new BadProtobuf('a field is longer than what is left');
    this.start = this.#at;
    this.#at += length;
    this.end = this.#at;
  }

  /** Reads into `low` and `high`. */
  #varint(): void {
    const { bytes } = this;
    let low = 0;
    let high = 0;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      if (this.#at >= this.#until) throw new BadProtobuf('a number is cut off');
      const byte = bytes[this.#at++] as number;
      const bits = byte & 0x7f;
      if (i < 4) low |= bits << (7 * i);
      else if (i === 4) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else if (i === 9 && bits > 1) throw new BadProtobuf('a number is longer than 64 bits');
      else high |= bits << (7 * i - 32);
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    throw new BadProtobuf('a number is longer than 64 bits');
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function strictly(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    throw new BadProtobuf('a text is no UTF-8');
  }
}
