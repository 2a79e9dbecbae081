/**
 * The scanner: finds, over the bytes of a batch, which records could satisfy which rules of a plan. It runs as WebAssembly where there is
 * any, else as TypeScript over the same tables, with the same results. Not for two threads at a time: its memory is written while it runs.
 */
import type { RecordBatch } from '../record-batch.ts';
import { encodeProgram } from './encode-program.ts';
import type { ProgramImage } from './image-memory.ts';
import {
  ALL_RULES,
  BATCH,
  BUFFER_BYTES,
  CASED,
  ENDS,
  FRAME_BYTES,
  G_BUFFER,
  G_HITS,
  G_VALUES,
  GROUP_BYTES,
  GROUP_VALUES,
  LIST,
  LIST_COUNT,
  MAX_DEPTH,
  MAX_RAW_VALUES,
  OUT_COUNT,
  OUT_FIRST,
  P_GROUP_COUNT,
  P_GROUPS,
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
  /** Takes a program in. The scanner has a copy of its own. */
  install(image: ProgramImage): ScanProgram;
  /** Makes the program of a plan and takes it in. */
  load(plan: ScanPlan): ScanProgram;
  /** Forgets a program; its memory is for the next one. */
  remove(program: ScanProgram): void;
  /** Takes the next batch; what was found in the one before is gone. */
  open(batch: RecordBatch): void;
  /** Scans records of the open batch for a program: each at most once per batch and layer. Results of other layers (0 … 7) stay. */
  scan(program: ScanProgram, records: readonly number[], layer?: number): void;
  /** Rules that a record is a candidate for, ascending; `all` where it was not scanned in that layer, or the scanner cannot read it in full confidence. */
  candidates(record: number, layer?: number): ArrayLike<number> | 'all';
}

/** How to make a scanner. */
export interface ScannerOptions {
  /** `typescript` where WebAssembly is not to be used; by default it is where this runtime can run the module. */
  readonly runsAs?: 'typescript' | undefined;
}

const POOL_ENTRIES = 131_072;
/** Results that a record can have side by side. */
const MAX_LAYERS = 8;
/** Columns of a batch that are not results: first bytes, ends, and the list of records to scan. */
const COLUMNS = 3;

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
  /** Program → its bytes. */
  readonly #lengths = new Map<ScanProgram, number>();
  readonly #batch = { bytes: 0, byteCapacity: 0, records: 0, recordCapacity: 0, count: 0, layers: 0 };

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
    return this.install(encodeProgram(plan));
  }

  install({ bytes, links }: ProgramImage): ScanProgram {
    const program = this.#memory.allocate(bytes.length) as ScanProgram;
    this.#memory.bytes.set(bytes, program);
    const { words } = this.#memory;
    const first = program >> 2;
    for (let i = 0; i < links.length; i++) {
      const at = first + ((links[i] as number) >> 2);
      words[at] = (words[at] as number) + program;
    }
    const groups = words[first + (P_GROUPS >> 2)] as number;
    const count = words[first + (P_GROUP_COUNT >> 2)] as number;
    for (let group = 0; group < count; group++) this.#equip(groups + group * GROUP_BYTES, this.#scratchOf(group));
    this.#lengths.set(program, bytes.length);
    return program;
  }

  remove(program: ScanProgram): void {
    const length = this.#lengths.get(program);
    if (length === undefined) return;
    this.#lengths.delete(program);
    this.#memory.free(program, length);
  }

  open(batch: RecordBatch): void {
    const from = batch.count === 0 ? 0 : (batch.starts[0] as number);
    const end = batch.count === 0 ? 0 : (batch.ends[batch.count - 1] as number);
    this.#reserve(end - from, batch.count);
    this.#memory.bytes.set(batch.bytes.subarray(from, end), this.#batch.bytes);
    this.#batch.count = batch.count;
    this.#batch.layers = 0;
    for (const [index, offset] of [STARTS, ENDS, LIST].entries()) this.#set(offset, this.#column(index));
    this.#memory.words.set(batch.starts.subarray(0, batch.count), this.#column(0) >> 2);
    this.#memory.words.set(batch.ends.subarray(0, batch.count), this.#column(1) >> 2);
    // Offsets count from the batch's first byte, which was not copied where records begin later.
    this.#set(BATCH, this.#batch.bytes - from);
    this.#set(POOL_USED, 0);
  }

  scan(program: ScanProgram, records: readonly number[], layer = 0): void {
    for (; this.#batch.layers <= layer; this.#batch.layers++) {
      const counts = this.#column(COLUMNS + this.#batch.layers * 2 + 1) >> 2;
      this.#memory.words.fill(ALL_RULES, counts, counts + this.#batch.count);
    }
    this.#set(OUT_FIRST, this.#column(COLUMNS + layer * 2));
    this.#set(OUT_COUNT, this.#column(COLUMNS + layer * 2 + 1));
    this.#memory.words.set(records, this.#column(2) >> 2);
    this.#set(LIST_COUNT, records.length);
    this.#run(program);
  }

  candidates(record: number, layer = 0): ArrayLike<number> | 'all' {
    if (layer >= this.#batch.layers) return 'all';
    const { words } = this.#memory;
    const count = words[(this.#column(COLUMNS + layer * 2 + 1) >> 2) + record] as number;
    if (count === ALL_RULES) return 'all';
    if (count === 0) return NONE;
    const first = ((words[POOL >> 2] as number) >> 2) + (words[(this.#column(COLUMNS + layer * 2) >> 2) + record] as number);
    return words.subarray(first, first + count);
  }

  #set(offset: number, word: number): void {
    this.#memory.words[offset >> 2] = word;
  }

  /** Address of a column of the open batch. */
  #column(index: number): number {
    return this.#batch.records + index * this.#batch.recordCapacity * 4;
  }

  #equip(group: number, { buffer, values, hits }: GroupScratch): void {
    this.#set(group + G_BUFFER, buffer);
    this.#set(group + G_VALUES, values);
    this.#set(group + G_HITS, hits);
  }

  #scratchOf(group: number): GroupScratch {
    const known = this.#scratch[group];
    if (known !== undefined) return known;
    const bytes = CASED + BUFFER_BYTES;
    const buffer = this.#memory.allocate(bytes + GROUP_VALUES * VALUE_BYTES + (group === 0 ? 0 : BUFFER_BYTES * 8));
    // Group 0 has no automaton that could hit anything.
    const made: GroupScratch = { buffer, values: buffer + bytes, hits: group === 0 ? 0 : buffer + bytes + GROUP_VALUES * VALUE_BYTES };
    this.#scratch[group] = made;
    return made;
  }

  #reserve(bytes: number, records: number): void {
    const batch = this.#batch;
    if (bytes > batch.byteCapacity) {
      this.#memory.free(batch.bytes, batch.byteCapacity);
      batch.byteCapacity = Math.max(bytes, batch.byteCapacity * 2, 1 << 18);
      batch.bytes = this.#memory.allocate(batch.byteCapacity);
    }
    if (records > batch.recordCapacity) {
      this.#memory.free(batch.records, recordBytes(batch.recordCapacity));
      batch.recordCapacity = Math.max(records, batch.recordCapacity * 2, 512);
      batch.records = this.#memory.allocate(recordBytes(batch.recordCapacity));
    }
  }
}

function recordBytes(records: number): number {
  return records * 4 * (COLUMNS + MAX_LAYERS * 2);
}

/** Buffers of one group, shared by the programs of a scanner: one runs at a time. */
interface GroupScratch {
  readonly buffer: number;
  readonly values: number;
  readonly hits: number;
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
