/**
 * Keys that several folds group by, in columns: a number for each key, and the groups that folds have for it. A match is looked up once for
 * all of them. Keys are told apart exactly; their hashes only say where to look.
 */
import { keyOfValues } from './group-key.ts';
import type { FoldMatch } from './held-match.ts';
import { hashText } from './value-hash.ts';

/** A part of a key, as matches carry it. */
export interface KeyPart {
  valueOf(match: FoldMatch): string | undefined;
  hashOf(match: FoldMatch): number | undefined;
}

/** A part that is put together for each match. */
export function madePart(keyOf: (match: FoldMatch) => string | undefined): KeyPart {
  let last: FoldMatch | undefined;
  let key: string | undefined;
  const valueOf = (match: FoldMatch): string | undefined => {
    if (match !== last) key = keyOf(match);
    last = match;
    return key;
  };
  return {
    valueOf,
    hashOf: (match) => {
      const value = valueOf(match);
      return value === undefined ? undefined : hashText(value);
    },
  };
}

/** Stands for a match that belongs to no group. */
export const NO_KEY = -1;

/** Keys of one kind. */
export class KeyTable {
  /** Folds that group by these keys; fixed before the first key comes. */
  folds = 0;
  readonly #parts: readonly KeyPart[];
  /** The match that was looked up last, by its turn, and what was found. */
  #turn = 0;
  #found = NO_KEY;
  /** Columns: by part, the text; tenant, hash, number of groups; and by fold the group's number plus one. */
  readonly #texts: string[][];
  #tenants = new Uint32Array(0);
  #hashes = new Int32Array(0);
  #live = new Uint16Array(0);
  #groups = new Uint32Array(0);
  #used = 0;
  readonly #free: number[] = [];
  /** Open addressing over a power of two: number of the key plus one, 0 for a free place. */
  #index = new Uint32Array(0);

  constructor(parts: readonly KeyPart[]) {
    this.#parts = parts;
    this.#texts = parts.map(() => []);
  }

  /** Number of a match's key, a new one where it has none yet; `NO_KEY` where it belongs to no group. */
  keyFor(match: FoldMatch, tenant: number, turn: number): number {
    if (this.#turn === turn) return this.#found;
    this.#turn = turn;
    this.#found = this.#lookUp(match, tenant);
    return this.#found;
  }

  /** Number of a key given as text, a new one where there is none. */
  keyOf(texts: readonly string[], tenant: number): number {
    const hash = texts.reduce((all, text) => mixIn(all, hashText(text)), tenant);
    for (let at = hash & (this.#index.length - 1); this.#index.length > 0; at = (at + 1) & (this.#index.length - 1)) {
      const key = (this.#index[at] as number) - 1;
      if (key < 0) break;
      const isIt = this.#tenants[key] === tenant && texts.every((text, part) => this.#texts[part]?.[key] === text);
      if (isIt) return key;
    }
    return this.#add(texts, tenant, hash);
  }

  /** A key as text (`group-key.ts`). */
  textOf(key: number): string {
    const [only] = this.#texts;
    if (this.#texts.length === 1 && only !== undefined) return only[key] ?? '';
    return keyOfValues(this.textsOf(key)) ?? '';
  }

  /** The parts of a key. */
  textsOf(key: number): string[] {
    return this.#texts.map((texts) => texts[key] ?? '');
  }

  /** Bytes of a key's text. */
  sizeOf(key: number): number {
    let size = 0;
    for (const texts of this.#texts) size += (texts[key] ?? '').length;
    return size;
  }

  /** Group of a fold; negative where it has none. */
  groupAt(key: number, place: number): number {
    return (this.#groups[key * this.folds + place] as number) - 1;
  }

  setGroup(key: number, place: number, group: number): void {
    this.#groups[key * this.folds + place] = group + 1;
    this.#live[key] = (this.#live[key] as number) + 1;
  }

  /** Takes a group out, and the key with its last one. */
  dropGroup(key: number, place: number): void {
    this.#groups[key * this.folds + place] = 0;
    const live = (this.#live[key] as number) - 1;
    this.#live[key] = live;
    if (live === 0) this.#drop(key);
  }

  /** Takes a key out that no fold has a group for. */
  dropEmpty(key: number): void {
    if (this.#live[key] === 0) this.#drop(key);
  }

  #lookUp(match: FoldMatch, tenant: number): number {
    let hash = tenant;
    for (const part of this.#parts) {
      const one = part.hashOf(match);
      if (one === undefined) return NO_KEY;
      hash = mixIn(hash, one);
    }
    const mask = this.#index.length - 1;
    for (let at = hash & mask; mask > 0; at = (at + 1) & mask) {
      const key = (this.#index[at] as number) - 1;
      if (key < 0) break;
      if (this.#hashes[key] === hash && this.#tenants[key] === tenant && this.#isKeyOf(key, match)) return key;
    }
    return this.#add(
      this.#parts.map((part) => part.valueOf(match) ?? ''),
      tenant,
      hash,
    );
  }

  #isKeyOf(key: number, match: FoldMatch): boolean {
    for (let part = 0; part < this.#parts.length; part++)
      if ((this.#texts[part] as string[])[key] !== (this.#parts[part] as KeyPart).valueOf(match)) return false;
    return true;
  }

  // oxlint-disable-next-line max-params -- R3: a key's three columns.
  #add(texts: readonly string[], tenant: number, hash: number): number {
    const key = this.#free.pop() ?? this.#used++;
    if (key >= this.#hashes.length) this.#growColumns();
    for (let part = 0; part < texts.length; part++) (this.#texts[part] as string[])[key] = texts[part] as string;
    this.#tenants[key] = tenant;
    this.#hashes[key] = hash;
    this.#live[key] = 0;
    if (2 * (this.#used - this.#free.length) > this.#index.length) this.#rehash(Math.max(16, 2 * this.#index.length));
    this.#enter(key);
    return key;
  }

  #growColumns(): void {
    const size = Math.max(4, Math.ceil(1.3 * this.#hashes.length));
    this.#tenants = grown(this.#tenants, new Uint32Array(size));
    this.#hashes = grown(this.#hashes, new Int32Array(size));
    this.#live = grown(this.#live, new Uint16Array(size));
    this.#groups = grown(this.#groups, new Uint32Array(size * this.folds));
  }

  #enter(key: number): void {
    const mask = this.#index.length - 1;
    let at = (this.#hashes[key] as number) & mask;
    while (this.#index[at] !== 0) at = (at + 1) & mask;
    this.#index[at] = key + 1;
  }

  #rehash(size: number): void {
    const before = this.#index;
    this.#index = new Uint32Array(size);
    for (const key of before) if (key !== 0) this.#enter(key - 1);
  }

  /** Moves entries up that could not stand nearer to their home because of the one that is gone (Knuth, volume 3, 6.4, algorithm R). */
  #drop(key: number): void {
    const mask = this.#index.length - 1;
    let free = (this.#hashes[key] as number) & mask;
    while (this.#index[free] !== key + 1) free = (free + 1) & mask;
    for (let at = (free + 1) & mask; this.#index[at] !== 0; at = (at + 1) & mask) {
      const home = (this.#hashes[(this.#index[at] as number) - 1] as number) & mask;
      if (((at - home) & mask) < ((at - free) & mask)) continue;
      this.#index[free] = this.#index[at] as number;
      free = at;
    }
    this.#index[free] = 0;
    for (const texts of this.#texts) texts[key] = '';
    this.#free.push(key);
    // What is remembered of the match at hand is no longer in the table.
    this.#turn = 0;
  }
}

function mixIn(all: number, hash: number): number {
  const mixed = Math.imul(all ^ (hash | 0), 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

/** A column's content in a larger one. */
export function grown<T extends Uint32Array | Int32Array | Uint16Array | Uint8Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
