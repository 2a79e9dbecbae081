/**
 * The scanner: finds, over the bytes of a batch, which records could satisfy which rules of a plan. It runs as WebAssembly where there is
 * any, else as TypeScript over the same tables, with the same results. Not for two threads at a time: its memory is written while it runs.
 */
import type { RecordBatch } from '../record-batch.ts';
import { encodeProgram, type GroupScratch } from './encode-program.ts';
import {
  ALL_RULES,
  BATCH,
  BUFFER_BYTES,
  ENDS,
  FRAME_BYTES,
  GROUP_VALUES,
  LIST,
  LIST_COUNT,
  MAX_DEPTH,
  MAX_RAW_VALUES,
  OUT_COUNT,
  OUT_FIRST,
  POOL,
  POOL_CAPACITY,
  POOL_USED,
  RAW,
  RAW_BYTES,
  STACK,
  STARTS,
  VALUE_BYTES,
} from './machine/layout.data.ts';
import { scan as scanHere } from './machine/scan.ts';
import { moduleBase64 } from './module.data.ts';
import type { ScanPlan } from './scan-plan.ts';
import { TableMemory } from './table-memory.ts';
import { type WasmApi, wasmApi } from './web-assembly.ts';

/** A plan that a scanner has loaded. */
export type ScanProgram = number & { readonly program: unique symbol };

/** Loads plans and scans batches. Holds its tables until it is collected. */
export interface Scanner {
  /** What the machine runs as. */
  readonly runsAs: 'wasm' | 'typescript';
  /** Bytes of tables and buffers. */
  readonly memoryBytes: number;
  load(plan: ScanPlan): ScanProgram;
  /** Takes the next batch; what was found in the one before is gone. */
  open(batch: RecordBatch): void;
  /** Scans records of the open batch for a program: each at most once per batch. */
  scan(program: ScanProgram, records: readonly number[]): void;
  /** Rules that a record is a candidate for, ascending; `all` where it was not scanned, or the scanner cannot read it in full confidence. */
  candidates(record: number): ArrayLike<number> | 'all';
}

/** How to make a scanner. */
export interface ScannerOptions {
  /** `typescript` where WebAssembly is not to be used; by default it is where this runtime can run the module. */
  readonly runsAs?: 'typescript' | undefined;
}

const POOL_ENTRIES = 131_072;

/** A scanner without plans. */
export function createScanner(options: ScannerOptions = {}): Scanner {
  const wasm = options.runsAs === 'typescript' ? undefined : wasmApi();
  const bytes = Uint8Array.from(atob(moduleBase64), (char) => char.charCodeAt(0));
  // A runtime may have WebAssembly and not yet its vectors.
  const runs = wasm?.validate(bytes) === true;
  return new TableScanner(wasm !== undefined && runs ? { wasm, bytes } : undefined);
}

class TableScanner implements Scanner {
  readonly runsAs: 'wasm' | 'typescript';
  readonly #memory: TableMemory;
  readonly #run: (program: number) => void;
  readonly #scratch: GroupScratch[] = [];
  readonly #batch = { bytes: 0, byteCapacity: 0, records: 0, recordCapacity: 0 };

  constructor(module: ScannerModule | undefined) {
    this.runsAs = module === undefined ? 'typescript' : 'wasm';
    this.#memory = new TableMemory(module?.wasm);
    this.#run = module === undefined ? (program) => scanHere(this.#memory, program) : instantiate(module, this.#memory);
    this.#set(RAW, this.#memory.allocate(MAX_RAW_VALUES * RAW_BYTES));
    this.#set(STACK, this.#memory.allocate((MAX_DEPTH + 1) * FRAME_BYTES));
    this.#set(POOL, this.#memory.allocate(POOL_ENTRIES * 4));
    this.#set(POOL_CAPACITY, POOL_ENTRIES);
  }

  get memoryBytes(): number {
    return this.#memory.used;
  }

  load(plan: ScanPlan): ScanProgram {
    return encodeProgram(plan, { memory: this.#memory, scratch: (group) => this.#scratchOf(group) }) as ScanProgram;
  }

  open(batch: RecordBatch): void {
    const from = batch.count === 0 ? 0 : (batch.starts[0] as number);
    const end = batch.count === 0 ? 0 : (batch.ends[batch.count - 1] as number);
    this.#reserve(end - from, batch.count);
    this.#memory.bytes.set(batch.bytes.subarray(from, end), this.#batch.bytes);
    const { records, recordCapacity } = this.#batch;
    const column = (index: number): number => records + index * recordCapacity * 4;
    for (const [index, offset] of [STARTS, ENDS, OUT_FIRST, OUT_COUNT, LIST].entries()) this.#set(offset, column(index));
    this.#memory.words.set(batch.starts.subarray(0, batch.count), column(0) >> 2);
    this.#memory.words.set(batch.ends.subarray(0, batch.count), column(1) >> 2);
    this.#memory.words.fill(ALL_RULES, column(3) >> 2, (column(3) >> 2) + batch.count);
    // Offsets count from the batch's first byte, which was not copied where records begin later.
    this.#set(BATCH, this.#batch.bytes - from);
    this.#set(POOL_USED, 0);
  }

  scan(program: ScanProgram, records: readonly number[]): void {
    this.#memory.words.set(records, (this.#memory.words[LIST >> 2] as number) >> 2);
    this.#set(LIST_COUNT, records.length);
    this.#run(program);
  }

  candidates(record: number): ArrayLike<number> | 'all' {
    const { words } = this.#memory;
    const count = words[((words[OUT_COUNT >> 2] as number) >> 2) + record] as number;
    if (count === ALL_RULES) return 'all';
    if (count === 0) return NONE;
    const first = ((words[POOL >> 2] as number) >> 2) + (words[((words[OUT_FIRST >> 2] as number) >> 2) + record] as number);
    return words.subarray(first, first + count);
  }

  #set(offset: number, word: number): void {
    this.#memory.words[offset >> 2] = word;
  }

  #scratchOf(group: number): GroupScratch {
    const known = this.#scratch[group];
    if (known !== undefined) return known;
    const made: GroupScratch = {
      buffer: this.#memory.allocate(BUFFER_BYTES),
      values: this.#memory.allocate(GROUP_VALUES * VALUE_BYTES),
      hits: this.#memory.allocate(BUFFER_BYTES * 8),
    };
    this.#scratch[group] = made;
    return made;
  }

  #reserve(bytes: number, records: number): void {
    const batch = this.#batch;
    if (bytes > batch.byteCapacity) {
      batch.byteCapacity = Math.max(bytes, batch.byteCapacity * 2, 1 << 18);
      batch.bytes = this.#memory.allocate(batch.byteCapacity);
    }
    if (records > batch.recordCapacity) {
      batch.recordCapacity = Math.max(records, batch.recordCapacity * 2, 512);
      batch.records = this.#memory.allocate(batch.recordCapacity * 4 * 5);
    }
  }
}

const NONE: ArrayLike<number> = [];

interface ScannerModule {
  readonly wasm: WasmApi;
  readonly bytes: Uint8Array;
}

function instantiate({ wasm, bytes }: ScannerModule, memory: TableMemory): (program: number) => void {
  const { exports } = new wasm.Instance(new wasm.Module(bytes), { env: { memory: memory.wasm } });
  const run = exports['scan'] as (unused: number, program: number) => void;
  return (program) => run(0, program);
}
