/**
 * The memory in which one program is written before a scanner takes it in: addresses count from its own start, and every word that holds
 * one is noted, so that the whole can be moved. Knows nothing of what is written.
 */
import type { Memory } from './machine/memory.ts';

/** A program as it can be kept, sent and moved: its bytes, and the offsets of all words in them that are addresses within them. */
export interface ProgramImage {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly links: Uint32Array<ArrayBuffer>;
}

const FIRST_BYTES = 65_536;

/** A growing memory with an allocator that only goes forward. */
export class ImageMemory implements Memory {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array();
  halves: Uint16Array<ArrayBuffer> = new Uint16Array();
  words: Int32Array<ArrayBuffer> = new Int32Array();
  #used = 0;
  #links = new Uint32Array(1024);
  #linkCount = 0;

  constructor() {
    this.#show(new ArrayBuffer(FIRST_BYTES));
  }

  /** Offset of a stretch of zeros. Packed as closely as words allow: what is looked up together should share cache lines. */
  allocate(length: number, alignment = 4): number {
    const at = (this.#used + alignment - 1) & -alignment;
    this.#used = at + length;
    if (this.#used > this.bytes.length) this.#grow();
    return at;
  }

  /** Writes a word. Its value is made before the memory is looked at: making it may grow the memory. */
  setWord(at: number, word: number): void {
    this.words[at >> 2] = word;
  }

  /** Writes an offset that is to move with the program; no offset where it is not above zero. */
  setLink(at: number, offset: number): void {
    this.words[at >> 2] = offset;
    if (offset <= 0) return;
    if (this.#linkCount === this.#links.length) {
      const grown = new Uint32Array(this.#linkCount * 2);
      grown.set(this.#links);
      this.#links = grown;
    }
    this.#links[this.#linkCount++] = at;
  }

  /** Offset of a copy of some words. */
  putWords(words: ArrayLike<number>): number {
    const at = this.allocate(words.length * 4);
    this.words.set(words, at >> 2);
    return at;
  }

  /** Offset of a copy of some bytes. */
  putBytes(bytes: Uint8Array): number {
    const at = this.allocate(bytes.length);
    this.bytes.set(bytes, at);
    return at;
  }

  /** What was written, as whole words. */
  image(): ProgramImage {
    const length = (this.#used + 3) & -4;
    return { bytes: this.bytes.slice(0, length), links: this.#links.slice(0, this.#linkCount) };
  }

  #grow(): void {
    const grown = new ArrayBuffer(Math.max(this.bytes.length * 2, (this.#used + 7) & -8));
    new Uint8Array(grown).set(this.bytes);
    this.#show(grown);
  }

  #show(buffer: ArrayBuffer): void {
    this.bytes = new Uint8Array(buffer);
    this.halves = new Uint16Array(buffer);
    this.words = new Int32Array(buffer);
  }
}
