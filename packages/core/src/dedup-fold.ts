/**
 * The dedup fold: which events of a partition, in log order, are the first of their id. Matcher and store run it over
 * the same log and so agree without talking. Dedup is by (tenant, source, id), never by content, which would hide brute force:
 * the same id with other content is a conflict, which is kept. Rebuilt by feeding the window again.
 */

/** What the fold says of an event: the first of its id, the same again, or the same id with other content. */
export type DedupVerdict = 'first' | 'duplicate' | 'conflict';

/** How much the fold remembers. Whatever is reached first makes the oldest entries go. */
export interface DedupOptions {
  /** How long an id is remembered, in milliseconds of receive time as the log tells it. */
  readonly windowMs: number;
  /** Most entries, at 32 bytes each; rounded up to nothing: exactly this many. */
  readonly maxEntries: number;
  /** Any number: spreads entries so that nobody outside can aim at one slot. Changes no verdict. */
  readonly seed?: number | undefined;
}

/** One event as the fold needs it. */
export interface DedupEvent {
  readonly tenant: string;
  readonly source: string;
  readonly id: string;
  /** CRC-32 (IEEE) of the record's bytes. */
  readonly contentHash32: number;
  /** Receive time, milliseconds since 1970. */
  readonly receivedMs: number;
}

/** A fold over one partition. */
export interface DedupFold {
  /** Judges the next event in log order, and remembers it. */
  advance(event: DedupEvent): DedupVerdict;
  /** Entries remembered. */
  readonly size: number;
  /** Bytes allocated: grows with the entries up to 32 × `maxEntries`. */
  readonly bytes: number;
}

/** Differing contents remembered per id: one more is still a conflict, but is not remembered, so that a producer with one id for all cannot make chains. */
export const MAX_CONTENTS_PER_ID = 4;

const FIRST_CAPACITY = 256;

/** An empty fold. */
export function createDedupFold(options: DedupOptions): DedupFold {
  const seed = (options.seed ?? 0) | 0;
  let table = createTable(Math.min(FIRST_CAPACITY, options.maxEntries), seed);
  let newestMs = Number.NEGATIVE_INFINITY;
  const key = createKeyHash();

  return {
    advance(event) {
      newestMs = Math.max(newestMs, event.receivedMs);
      table.evictBefore(newestMs - options.windowMs);
      key.update(event);
      const seen = table.find(key, event.contentHash32);
      if (seen === SEEN) return 'duplicate';
      if (seen < MAX_CONTENTS_PER_ID) {
        if (table.size === table.capacity) {
          if (table.capacity < options.maxEntries) table = table.grown(Math.min(table.capacity * 2, options.maxEntries));
          else table.evictOldest();
        }
        table.add(key, event.contentHash32, event.receivedMs);
      }
      return seen === 0 ? 'first' : 'conflict';
    },
    get size() {
      return table.size;
    },
    get bytes() {
      return table.bytes;
    },
  };
}

/** Answer of `find`: this id with this content. Otherwise it is the number of other contents of the id. */
const SEEN = -1;

/** Fingerprint of (tenant, source, id): 96 bits, so that two ids never meet by accident. */
interface KeyHash {
  a: number;
  b: number;
  c: number;
  update(event: DedupEvent): void;
}

interface Table {
  readonly capacity: number;
  readonly size: number;
  readonly bytes: number;
  find(key: KeyHash, content: number): number;
  add(key: KeyHash, content: number, receivedMs: number): void;
  evictBefore(ms: number): void;
  evictOldest(): void;
  grown(capacity: number): Table;
}

/** Entries in a ring in log order, found through twice as many slots with linear probing. 24 + 8 bytes per entry. */
function createTable(capacity: number, seed: number): Table {
  const words = new Uint32Array(capacity * 4);
  const times = new Float64Array(capacity);
  const slotCount = capacity * 2;
  const slots = new Int32Array(slotCount).fill(-1);
  let oldest = 0;
  let size = 0;

  const home = (a: number): number => Math.floor(((mix(a ^ seed) >>> 0) / 4294967296) * slotCount);
  const next = (slot: number): number => (slot + 1 === slotCount ? 0 : slot + 1);
  const place = (entry: number): void => {
    let slot = home(words[entry * 4] as number);
    while (slots[slot] !== -1) slot = next(slot);
    slots[slot] = entry;
  };
  /** Frees an entry's slot and closes the gap behind it, so that no search stops short. */
  const unplace = (entry: number): void => {
    let gap = home(words[entry * 4] as number);
    while (slots[gap] !== entry) gap = next(gap);
    for (let slot = next(gap); slots[slot] !== -1; slot = next(slot)) {
      const at = home(words[(slots[slot] as number) * 4] as number);
      if ((slot - at + slotCount) % slotCount >= (slot - gap + slotCount) % slotCount) {
        slots[gap] = slots[slot] as number;
        gap = slot;
      }
    }
    slots[gap] = -1;
  };
  const insert = (word: readonly [number, number, number, number], receivedMs: number): void => {
    const entry = (oldest + size) % capacity;
    words.set(word, entry * 4);
    times[entry] = receivedMs;
    size++;
    place(entry);
  };
  const evictOldest = (): void => {
    unplace(oldest);
    oldest = (oldest + 1) % capacity;
    size--;
  };

  return {
    capacity,
    get size() {
      return size;
    },
    bytes: words.byteLength + times.byteLength + slots.byteLength,
    find(key, content) {
      let others = 0;
      for (let slot = home(key.a); slots[slot] !== -1; slot = next(slot)) {
        const at = (slots[slot] as number) * 4;
        if (words[at] === key.a && words[at + 1] === key.b && words[at + 2] === key.c) {
          if (words[at + 3] === content >>> 0) return SEEN;
          others++;
        }
      }
      return others;
    },
    add: (key, content, receivedMs) => insert([key.a, key.b, key.c, content >>> 0], receivedMs),
    evictBefore(ms) {
      while (size > 0 && (times[oldest] as number) < ms) evictOldest();
    },
    evictOldest,
    grown(larger) {
      const table = createTable(larger, seed);
      for (let i = 0; i < size; i++) {
        const entry = (oldest + i) % capacity;
        const [a, b, c, content] = words.subarray(entry * 4, entry * 4 + 4) as unknown as [number, number, number, number];
        table.add({ a, b, c, update: () => undefined }, content, times[entry] as number);
      }
      return table;
    },
  };
}

function createKeyHash(): KeyHash {
  let tenant = '';
  let source = '';
  let stem: readonly [number, number, number] = hashStem('', '');
  const key: KeyHash = {
    a: 0,
    b: 0,
    c: 0,
    update(event) {
      // Events of one source come in runs: its part of the hash is kept.
      if (event.source !== source || event.tenant !== tenant) {
        tenant = event.tenant;
        source = event.source;
        stem = hashStem(tenant, source);
      }
      let [a, b, c] = stem;
      for (let i = 0; i < event.id.length; i++) {
        const unit = event.id.charCodeAt(i);
        a = Math.imul(a ^ unit, 0x9e3779b1);
        b = Math.imul(b ^ unit, 0x85ebca77) ^ (b >>> 15);
        c = Math.imul((c << 13) | (c >>> 19), 0xc2b2ae3d) + unit;
      }
      key.a = mix(a ^ event.id.length) >>> 0;
      key.b = mix(b) >>> 0;
      key.c = mix(c) >>> 0;
    },
  };
  return key;
}

function hashStem(tenant: string, source: string): readonly [number, number, number] {
  let [a, b, c] = [0x243f6a88, 0x85a308d3, 0x13198a2e];
  const text = `${tenant.length}:${tenant}${source.length}:${source}`;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x9e3779b1) ^ (a >>> 17);
    b = Math.imul(b ^ unit, 0x85ebca77) ^ (b >>> 15);
    c = Math.imul((c << 13) | (c >>> 19), 0xc2b2ae3d) + unit;
  }
  return [a, b, c];
}

/** Finaliser of MurmurHash3 (public domain, A. Appleby): every input bit reaches every output bit. */
function mix(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
