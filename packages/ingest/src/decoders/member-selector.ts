/**
 * The members of a JSON record that somebody reads, without parsing the rest: the whole record is checked, byte by byte, by a WebAssembly
 * module (`assembly/select-members.ts`), and values are made only of members that were asked for. Where the module is not sure of a record,
 * nothing is said of it: the parser decides (`json-record.ts`).
 */
import { Buffer, isUtf8 } from 'node:buffer';
import { type Fields, TocsinError, wasmApi } from '@tocsin/core';
import { moduleBase64 } from './member-selector-module.data.ts';
import type { DecodeLimits } from './record-decoder.ts';

/** Reads wanted members of records. Not for two records at a time; memory grows to the longest record and stays. */
export interface MemberSelector {
  /** Wants one more member. @throws ingest.internal when there are more names than it can hold */
  want(name: string): void;
  /**
   * The wanted members of the first level of a JSON object, as `JSON.parse` would have them. Undefined where the record is no valid JSON object in
   * UTF-8, breaks a limit, or is written in a way that only the parser reads: then it is to be parsed as a whole.
   */
  select(bytes: Uint8Array, limits: Pick<DecodeLimits, 'maxRecordBytes' | 'maxDepth' | 'maxKeys'>): Fields | undefined;
  /** Takes a copy of the bytes of many records, for `find`; in force until the next `load` or `select`. */
  load(bytes: Uint8Array): void;
  /**
   * How many wanted members of the first level there are in the JSON object at [start, end) of what was loaded; they are in `found`. -1 where
   * `select` would say nothing of the record, but for its UTF-8, which is not looked at.
   */
  find(start: number, end: number, limits: Pick<DecodeLimits, 'maxDepth' | 'maxKeys'>): number;
  /** As `find`, of the object that begins at `start`, white space before it apart, whatever stands behind it before `end`. */
  findFirst(start: number, end: number, limits: Pick<DecodeLimits, 'maxDepth' | 'maxKeys'>): number;
  /** One past the brace of what `findFirst` has found. */
  readonly behind: number;
  /** Of each member found: number of its name in the order wanted, kind of value, start and end of its value from `FOUND_ORIGIN`; in force until the next `find`. */
  readonly found: Uint32Array;
}

/** What the module offers, as its source says. */
interface SelectModule {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  place(table: number, output: number, kept: number): void;
  slotOf(name: number, length: number): number;
  select(from: number, to: number, maxDepth: number, maxKeys: number): number;
  selectFirst(from: number, to: number, maxDepth: number, maxKeys: number): number;
  behindObject(): number;
  beyondAscii(from: number, to: number): number;
  gather(count: number, into: number): void;
}

/** Most names that a selector holds: half of the module's table. */
export const MAX_NAMES = 2048;
const TABLE_AT = 1024;
const TABLE_BYTES = 4096 * 16;
const NAMES_AT = TABLE_AT + TABLE_BYTES;
/** And most bytes of them. */
export const NAMES_BYTES = 65_536;
const OUTPUT_AT = NAMES_AT + NAMES_BYTES;
const OUTPUT_BYTES = 256 * 16;
const KEPT_AT = OUTPUT_AT + OUTPUT_BYTES;
const KEPT_SLOTS = 512;
const KEPT_BYTES = KEPT_SLOTS * 128;
const INPUT_AT = KEPT_AT + KEPT_BYTES;
/** The module reads 16 bytes at a time. */
const PADDING_BYTES = 32;
const PAGE_BYTES = 65_536;

/** What positions in `found` count from. */
export const FOUND_ORIGIN = INPUT_AT;

/** Kinds of values, as the module numbers them; all others are read by the parser. */
const STRING = 0;
const NUMBER = 2;
const TRUE = 3;
const FALSE = 4;
const NULL = 5;
const KNOWN = 8;
const NO_SLOT = 0xffffffff;

/** A selector of these members. @throws ingest.internal when there are more names than it can hold */
export function createMemberSelector(wanted: ReadonlySet<string>): MemberSelector {
  const names: string[] = [];
  const module = instantiate();
  module.place(TABLE_AT, OUTPUT_AT, KEPT_AT);
  const table = new NameTable(module);
  const want = (name: string): void => {
    table.add(name, names.length);
    names.push(name);
  };
  for (const name of wanted) want(name);
  let input = Buffer.alloc(0);
  let output = new Uint32Array(0);
  const grow = (bytes: number): void => {
    const missing = INPUT_AT + bytes + PADDING_BYTES - module.memory.buffer.byteLength;
    if (missing > 0) module.memory.grow(Math.ceil(missing / PAGE_BYTES));
    input = Buffer.from(module.memory.buffer, INPUT_AT);
    output = new Uint32Array(module.memory.buffer, OUTPUT_AT, OUTPUT_BYTES / 4);
  };
  grow(PAGE_BYTES);
  const kept = new Array<string>(KEPT_SLOTS).fill('');
  const load = (bytes: Uint8Array): void => {
    if (bytes.length + PADDING_BYTES > input.length) grow(bytes.length);
    input.set(bytes, 0);
  };

  return {
    want,
    load,
    get found() {
      return output;
    },
    get behind() {
      return module.behindObject() - INPUT_AT;
    },
    findFirst: (start, end, limits) => module.selectFirst(INPUT_AT + start, INPUT_AT + end, limits.maxDepth, limits.maxKeys),
    find: (start, end, limits) => module.select(INPUT_AT + start, INPUT_AT + end, limits.maxDepth, limits.maxKeys),
    select(bytes, limits) {
      if (bytes.length > limits.maxRecordBytes) return undefined;
      load(bytes);
      const count = module.select(INPUT_AT, INPUT_AT + bytes.length, limits.maxDepth, limits.maxKeys);
      if (count < 0) return undefined;
      const isAscii = module.beyondAscii(INPUT_AT, INPUT_AT + bytes.length) === 0;
      if (!isAscii && !isUtf8(bytes)) return undefined;
      module.gather(count, INPUT_AT);
      return readGathered({ count, output, input, names, kept, encoding: isAscii ? 'latin1' : 'utf8' });
    },
  };
}

/** Members whose bytes `gather` has moved to the beginning of the input. */
interface Gathered {
  readonly count: number;
  readonly output: Uint32Array;
  readonly input: Buffer;
  readonly names: readonly string[];
  /** Strings by the slot that the module keeps their bytes in: hosts, programs and users come again and again. */
  readonly kept: string[];
  readonly encoding: 'latin1' | 'utf8';
}

function readGathered({ count, output, input, names, kept, encoding }: Gathered): Fields {
  const fields: Record<string, unknown> = {};
  let from = 0;
  for (let at = 0; at < count * 4; at += 4) {
    const kind = output[at + 1] as number;
    const slot = output[at + 2] as number;
    const to = from + (output[at + 3] as number);
    const text = kind === KNOWN ? (kept[slot] as string) : to === from ? '' : input.toString(encoding, from, to);
    if (kind === STRING && slot !== NO_SLOT) kept[slot] = text;
    put(fields, names[output[at] as number] as string, valueOf(kind, text));
    from = to;
  }
  return fields;
}

/** Value of a kind; `text` is what was moved of it, or kept. */
function valueOf(kind: number, text: string): unknown {
  switch (kind) {
    case STRING:
    case KNOWN:
      return text;
    case NUMBER:
      return Number(text);
    case TRUE:
      return true;
    case FALSE:
      return false;
    case NULL:
      return null;
    default:
      return JSON.parse(text);
  }
}

/** Sets a member as data, whatever its name: an assignment to `__proto__` would look for a prototype. */
function put(fields: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') fields[name] = value;
  else Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true });
}

function instantiate(): SelectModule {
  const wasm = wasmApi();
  if (wasm === undefined) throw new TocsinError('ingest.internal', { what: 'A runtime without WebAssembly' });
  return new wasm.Instance(new wasm.Module(Buffer.from(moduleBase64, 'base64')), {}).exports as unknown as SelectModule;
}

/** The module's table of names. */
class NameTable {
  readonly #module: SelectModule;
  #end = NAMES_AT;

  constructor(module: SelectModule) {
    this.#module = module;
  }

  add(name: string, number: number): void {
    if (number >= MAX_NAMES) throw new TocsinError('ingest.internal', { what: `A selection of more than ${MAX_NAMES} members` });
    const bytes = Buffer.from(name);
    if (this.#end + bytes.length > OUTPUT_AT - PADDING_BYTES)
      throw new TocsinError('ingest.internal', { what: 'A selection of long names' });
    const { buffer } = this.#module.memory;
    new Uint8Array(buffer).set(bytes, this.#end);
    const slot = this.#module.slotOf(this.#end, bytes.length);
    const memory = new DataView(buffer);
    memory.setUint32(slot, bytes.length, true);
    memory.setUint32(slot + 4, this.#end, true);
    memory.setUint32(slot + 8, number, true);
    this.#end += bytes.length;
  }
}
