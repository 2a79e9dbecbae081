/** The memory that programs, batches and results of a scanner lie in: WebAssembly's, or an ordinary buffer where the machine runs as TypeScript. Grows, never shrinks; what is given back is handed out again. */
import { CONTROL_BYTES } from './machine/layout.data.ts';
import type { Memory } from './machine/memory.ts';
import type { WasmApi, WasmMemory } from './web-assembly.ts';

const PAGE_BYTES = 65_536;
/** An ordinary buffer costs memory where it is written only, and copying where it grows. */
const FIRST_BYTES = 1 << 24;
/** Loads of the machine may reach this far behind a stretch: into the next one, or into the room that is left at the end. */
const PADDING = 64;

/** Where stretches begin: rows of tables fill whole cache lines. */
const ALIGNMENT = 128;

/** A stretch that was given back. */
interface Gap {
  at: number;
  length: number;
}

/** A growing memory. */
export class TableMemory implements Memory {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array();
  halves: Uint16Array<ArrayBuffer> = new Uint16Array();
  words: Int32Array<ArrayBuffer> = new Int32Array();
  /** The memory that the module is given; undefined for an ordinary buffer. */
  readonly wasm: WasmMemory | undefined;
  #end = CONTROL_BYTES;
  #used = CONTROL_BYTES;
  /** In order of address, no two of them side by side. */
  #gaps: Gap[] = [];

  /** In WebAssembly where it is given, else in an ordinary buffer. */
  constructor(wasm?: WasmApi) {
    this.wasm = wasm === undefined ? undefined : new wasm.Memory({ initial: 1 });
    this.#show(this.wasm?.buffer ?? new ArrayBuffer(FIRST_BYTES));
  }

  /** Bytes that are handed out. */
  get used(): number {
    return this.#used;
  }

  /** Address of a stretch; what it holds is left over from before. */
  allocate(length: number): number {
    const rounded = roundUp(length);
    this.#used += rounded;
    const gap = this.#gaps.find((one) => one.length >= rounded);
    if (gap !== undefined) {
      const { at } = gap;
      gap.at += rounded;
      gap.length -= rounded;
      if (gap.length === 0) this.#gaps = this.#gaps.filter((one) => one !== gap);
      return at;
    }
    const at = this.#end;
    this.#end += rounded;
    if (this.#end + PADDING > this.bytes.length) this.#grow();
    return at;
  }

  /** Takes a stretch back that was handed out with this length. */
  free(at: number, length: number): void {
    const rounded = roundUp(length);
    if (rounded === 0) return;
    this.#used -= rounded;
    const joined: Gap[] = [];
    for (const gap of [...this.#gaps, { at, length: rounded }].sort((a, b) => a.at - b.at)) {
      const last = joined.at(-1);
      if (last !== undefined && last.at + last.length === gap.at) last.length += gap.length;
      else joined.push({ ...gap });
    }
    this.#gaps = joined;
  }

  #grow(): void {
    const pages = Math.ceil((this.#end + PADDING - this.bytes.length) / PAGE_BYTES);
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

function roundUp(length: number): number {
  return (length + ALIGNMENT - 1) & -ALIGNMENT;
}
