/**
 * JSON objects within longer bytes: where one ends and where some of its members stand, by the module that checks records
 * (`member-selector.ts`), several times as fast as a walk over the bytes. Where the module is not sure of an object nothing is said of it: whoever
 * asks walks over it (`readJsonObject`).
 */
import { createMemberSelector, FOUND_ORIGIN, type MemberSelector } from './member-selector.ts';

/** Bounds of an object that is looked at here; more is left to the walk. */
export interface ScanLimits {
  /** Members, nested ones included. */
  readonly maxKeys: number;
}

/** Bytes taken at a time. */
const WINDOW_BYTES = 256 * 1024;
/** An object that would end beyond the window is looked at once more where it has fewer bytes of it than these: longer ones are left to the walk. */
const AGAIN_BELOW_BYTES = 64 * 1024;
const MAX_DEPTH = 64;

/** Looks at objects of one piece of bytes after the other; not for two at a time. */
export class ObjectScan {
  readonly #selector: MemberSelector;
  /** Start and end of each member's value; both -1 where the object has none. */
  readonly #ranges: Int32Array;
  #bytes: Uint8Array = new Uint8Array(0);
  #from = 0;
  #to = 0;

  /** A scan that finds these members of the first level. */
  constructor(members: readonly string[]) {
    this.#selector = createMemberSelector(new Set(members));
    this.#ranges = new Int32Array(members.length * 2);
  }

  /** One past the brace of the object that was read last. */
  end = 0;

  /** From now on objects are those of these bytes, which must not change meanwhile. */
  open(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#load(0);
  }

  /** Lets go of the bytes. */
  close(): void {
    this.#bytes = new Uint8Array(0);
    this.#from = this.#to = 0;
  }

  /** Reads the object that begins at `from`, or after white space there; false where that is none that is understood here. Its UTF-8 is not looked at. */
  read(from: number, { maxKeys }: ScanLimits): boolean {
    if (from < this.#from || from >= this.#to) this.#load(from);
    let count = this.#find(from, maxKeys);
    const isCut = this.#to < this.#bytes.length && this.#to - from < AGAIN_BELOW_BYTES;
    if (count < 0 && isCut) {
      this.#load(from);
      count = this.#find(from, maxKeys);
    }
    if (count < 0) return false;
    this.#place(count);
    this.end = this.#from + this.#selector.behind;
    return true;
  }

  /** Where the value of a member begins, by the member's place among those asked for; -1 where the object has none. The last of several counts. */
  startOf(member: number): number {
    return this.#ranges[member * 2] as number;
  }

  /** Where it ends. */
  endOf(member: number): number {
    return this.#ranges[member * 2 + 1] as number;
  }

  #load(from: number): void {
    this.#from = from;
    this.#to = Math.min(this.#bytes.length, from + WINDOW_BYTES);
    this.#selector.load(this.#bytes.subarray(this.#from, this.#to));
  }

  #find(from: number, maxKeys: number): number {
    return this.#selector.findFirst(from - this.#from, this.#to - this.#from, { maxDepth: MAX_DEPTH, maxKeys });
  }

  #place(count: number): void {
    const { found } = this.#selector;
    const origin = this.#from - FOUND_ORIGIN;
    this.#ranges.fill(-1);
    for (let at = 0; at < count * 4; at += 4) {
      const member = found[at] as number;
      this.#ranges[member * 2] = (found[at + 2] as number) + origin;
      this.#ranges[member * 2 + 1] = (found[at + 3] as number) + origin;
    }
  }
}
