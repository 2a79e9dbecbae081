/** The memory that tables, batches and results of a scanner lie in: WebAssembly's, or an ordinary buffer where the machine runs as TypeScript. Grows, never shrinks. */
import { CONTROL_BYTES } from './machine/layout.data.ts';
import type { Memory } from './machine/memory.ts';
import type { WasmApi, WasmMemory } from './web-assembly.ts';

const PAGE_BYTES = 65_536;
/** Loads of the machine may reach this far behind a stretch: into the next one, or into the room that is left at the end. */
const PADDING = 64;

/** A growing memory with an allocator that only goes forward. */
export class TableMemory implements Memory {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array();
  halves: Uint16Array<ArrayBuffer> = new Uint16Array();
  words: Int32Array<ArrayBuffer> = new Int32Array();
  /** The memory that the module is given; undefined for an ordinary buffer. */
  readonly wasm: WasmMemory | undefined;
  #used = CONTROL_BYTES;

  /** In WebAssembly where it is given, else in an ordinary buffer. */
  constructor(wasm?: WasmApi) {
    this.wasm = wasm === undefined ? undefined : new wasm.Memory({ initial: 1 });
    this.#show(this.wasm?.buffer ?? new ArrayBuffer(PAGE_BYTES));
  }

  /** Bytes handed out so far. */
  get used(): number {
    return this.#used;
  }

  /** Address of a stretch of zeros. Packed as closely as words allow: what is looked up together should share cache lines. */
  allocate(length: number, alignment = 4): number {
    const at = (this.#used + alignment - 1) & -alignment;
    this.#used = at + length;
    if (this.#used + PADDING > this.bytes.length) this.#grow();
    return at;
  }

  /** Writes a word. Its value is made before the memory is looked at: making it may grow the memory. */
  setWord(at: number, word: number): void {
    this.words[at >> 2] = word;
  }

  /** Address of a copy of some words. */
  putWords(words: ArrayLike<number>): number {
    const at = this.allocate(words.length * 4);
    this.words.set(words, at >> 2);
    return at;
  }

  /** Address of a copy of some bytes. */
  putBytes(bytes: Uint8Array): number {
    const at = this.allocate(bytes.length);
    this.bytes.set(bytes, at);
    return at;
  }

  #grow(): void {
    const pages = Math.ceil((this.#used + PADDING - this.bytes.length) / PAGE_BYTES);
    if (this.wasm === undefined) {
      const grown = new ArrayBuffer(Math.max(this.bytes.length * 2, this.bytes.length + pages * PAGE_BYTES));
      new Uint8Array(grown).set(this.bytes);
      this.#show(grown);
    } else {
      this.wasm.grow(pages);
      this.#show(this.wasm.buffer);
    }
  }

  #show(buffer: ArrayBuffer): void {
    this.bytes = new Uint8Array(buffer);
    this.halves = new Uint16Array(buffer);
    this.words = new Int32Array(buffer);
  }
}
