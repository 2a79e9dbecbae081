/** What is left of a stream between two reads: joined with what comes in time proportional to that, however small the reads are. */
import { Buffer } from 'node:buffer';

/** The unread part of a stream. Bytes handed out never change, so that parts of them may be kept. */
export class StreamBuffer {
  #rest: Buffer = NOTHING;
  /** Memory that `#rest` lies in with room behind it, where it was joined from several reads. */
  #room: Buffer | undefined;

  /** Adds bytes; gives everything that is unread. */
  append(bytes: Buffer): Buffer {
    const { length } = this.#rest;
    if (length === 0) {
      this.#rest = bytes;
      this.#room = undefined;
      return bytes;
    }
    const start = this.#room === undefined ? 0 : this.#rest.byteOffset - this.#room.byteOffset;
    // Bytes handed out lie before what is left; nothing is written there.
    if (this.#room === undefined || start + length + bytes.length > this.#room.length) {
      const room = Buffer.allocUnsafeSlow(2 * (length + bytes.length));
      this.#rest.copy(room);
      this.#room = room;
      bytes.copy(room, length);
      this.#rest = room.subarray(0, length + bytes.length);
      return this.#rest;
    }
    bytes.copy(this.#room, start + length);
    this.#rest = this.#room.subarray(start, start + length + bytes.length);
    return this.#rest;
  }

  /** Says that the first `count` bytes are read; gives what is left. */
  drop(count: number): Buffer {
    this.#rest = count >= this.#rest.length ? NOTHING : this.#rest.subarray(count);
    return this.#rest;
  }
}

const NOTHING = Buffer.alloc(0);
