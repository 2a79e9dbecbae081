/**
 * Windows of groups that cannot satisfy their condition yet, in columns and one array of events: most groups never become more. A group that
 * might satisfy it becomes an object of its own (`window-state.ts`). Which group is which, and when it wakes, is for the folds.
 */
import type { EvidenceLocker } from './evidence-locker.ts';
import { grown } from './key-table.ts';

/** Events of one group at most. */
export const MAX_COLD = 64;

const WORDS = 4;
/** Numbers put into a word keep their lower 32 bits (ECMA-262 ToUint32). */
const HIGH = 2 ** 32;
/** Times are kept in 48 bits, around 1970 (`packed-ring.ts`). */
const FIRST_MS = -(2 ** 47);
const LAST_MS = 2 ** 47 - 1;

/** One event: when, what the measure is to know, and the number of the match remembered for it, negative for none. */
export interface ColdEvent {
  readonly timeMs: number;
  readonly payload: number;
  readonly evidence: number;
}

/** Events of groups, by the groups' numbers (`group-columns.ts`). */
export class ColdWindows {
  readonly evidence: EvidenceLocker;
  /** Where a group's events begin, in events; how many there are, for how many there is room, and how many have a match remembered. */
  #starts = new Uint32Array(0);
  #lengths = new Uint8Array(0);
  #rooms = new Uint8Array(0);
  #remembered = new Uint8Array(0);
  /** Payloads of a group's events bit by bit; those of events that are gone may still be in it. */
  #joined = new Int32Array(0);
  /** Mark of the event counted last. */
  #marks = new Float64Array(0);
  /** Of each event: low word of the time, low word of the payload, high halves of both, number of the match plus one. */
  #words = new Uint32Array(0);
  #used = 0;
  /** Free places by their room. */
  readonly #free = new Map<number, number[]>();

  constructor(evidence: EvidenceLocker) {
    this.evidence = evidence;
  }

  lengthOf(group: number): number {
    return group < this.#lengths.length ? (this.#lengths[group] as number) : 0;
  }

  roomOf(group: number): number {
    return group < this.#rooms.length ? (this.#rooms[group] as number) : 0;
  }

  rememberedOf(group: number): number {
    return this.#remembered[group] ?? 0;
  }

  joinedOf(group: number): number {
    return this.#joined[group] ?? 0;
  }

  markOf(group: number): number {
    return this.#marks[group] ?? 0;
  }

  setMark(group: number, mark: number): void {
    if (group >= this.#lengths.length) this.#growColumns(group);
    this.#marks[group] = mark;
  }

  /** Time of a group's event; `index` from 0, the earliest. */
  timeAt(group: number, index: number): number {
    return this.#timeAt(WORDS * ((this.#starts[group] as number) + index));
  }

  eventAt(group: number, index: number): ColdEvent {
    const at = WORDS * ((this.#starts[group] as number) + index);
    const words = this.#words;
    const payload = ((words[at + 2] as number) & 0xffff) * HIGH + (words[at + 1] as number);
    return { timeMs: this.#timeAt(at), payload, evidence: (words[at + 3] as number) - 1 };
  }

  /** Adds an event behind all of its time. Of an event with a match remembered, the number is the group's from now on. */
  add(group: number, { timeMs, payload, evidence }: ColdEvent): void {
    if (group >= this.#lengths.length) this.#growColumns(group);
    const length = this.#lengths[group] as number;
    if (length === this.#rooms[group]) this.#move(group, Math.max(1, 2 * length));
    const words = this.#words;
    const start = WORDS * (this.#starts[group] as number);
    let at = start + WORDS * length;
    for (; at > start && this.#timeAt(at - WORDS) > timeMs; at -= WORDS) words.copyWithin(at, at - WORDS, at);
    const sinceMs = Math.min(LAST_MS, Math.max(FIRST_MS, timeMs)) - FIRST_MS;
    words[at] = sinceMs;
    words[at + 1] = payload;
    words[at + 2] = (((sinceMs / HIGH) << 16) | (payload / HIGH)) >>> 0;
    words[at + 3] = evidence + 1;
    this.#lengths[group] = length + 1;
    if (evidence >= 0) this.#remembered[group] = (this.#remembered[group] as number) + 1;
    this.#joined[group] = (this.#joined[group] as number) | payload;
  }

  /** Adds to the payload of the latest event of a time. */
  join(group: number, timeMs: number, payload: number): void {
    const start = WORDS * (this.#starts[group] as number);
    let at = start + WORDS * (this.#lengths[group] as number) - WORDS;
    while (at > start && this.#timeAt(at) > timeMs) at -= WORDS;
    this.#words[at + 1] = ((this.#words[at + 1] as number) | payload) >>> 0;
    this.#joined[group] = (this.#joined[group] as number) | payload;
  }

  /** Forgets a group's events before a time. */
  dropBefore(group: number, timeMs: number): void {
    const length = this.lengthOf(group);
    let count = 0;
    while (count < length && this.timeAt(group, count) < timeMs) count += 1;
    if (count === 0) return;
    this.#release(group, count);
    if (count === length) {
      this.clear(group);
      return;
    }
    const start = WORDS * (this.#starts[group] as number);
    const words = this.#words;
    // A few words: quicker one by one than by a call for all of them.
    for (let to = start, from = start + WORDS * count; from < start + WORDS * length; ) words[to++] = words[from++] as number;
    this.#lengths[group] = length - count;
  }

  /** Forgets everything of a group but its matches, which are for the caller to release. */
  clear(group: number): void {
    if (group >= this.#lengths.length) return;
    this.#freePlace(group);
    this.#lengths[group] = 0;
    this.#rooms[group] = 0;
    this.#remembered[group] = 0;
    this.#joined[group] = 0;
    this.#marks[group] = 0;
  }

  /** Forgets everything of a group. */
  drop(group: number): void {
    this.#release(group, this.lengthOf(group));
    this.clear(group);
  }

  #release(group: number, count: number): void {
    for (let i = 0; i < count; i++) {
      const entry = (this.#words[WORDS * ((this.#starts[group] as number) + i) + 3] as number) - 1;
      if (entry < 0) continue;
      this.evidence.release(entry);
      this.#remembered[group] = (this.#remembered[group] as number) - 1;
    }
  }

  #timeAt(at: number): number {
    return ((this.#words[at + 2] as number) >>> 16) * HIGH + (this.#words[at] as number) + FIRST_MS;
  }

  #move(group: number, room: number): void {
    const from = WORDS * (this.#starts[group] as number);
    const length = this.#lengths[group] as number;
    const to = this.#place(room);
    this.#words.copyWithin(WORDS * to, from, from + WORDS * length);
    this.#freePlace(group);
    this.#starts[group] = to;
    this.#rooms[group] = room;
  }

  #place(room: number): number {
    const free = this.#free.get(room)?.pop();
    if (free !== undefined) return free;
    const at = this.#used;
    this.#used += room;
    if (WORDS * this.#used > this.#words.length)
      this.#words = grown(this.#words, new Uint32Array(WORDS * Math.ceil(Math.max(64, 1.3 * this.#used))));
    return at;
  }

  #freePlace(group: number): void {
    const room = this.#rooms[group] as number;
    if (room === 0) return;
    const free = this.#free.get(room);
    if (free === undefined) this.#free.set(room, [this.#starts[group] as number]);
    else free.push(this.#starts[group] as number);
  }

  #growColumns(group: number): void {
    const size = Math.max(16, group + 1, Math.ceil(1.3 * this.#lengths.length));
    this.#starts = grown(this.#starts, new Uint32Array(size));
    this.#lengths = grown(this.#lengths, new Uint8Array(size));
    this.#rooms = grown(this.#rooms, new Uint8Array(size));
    this.#remembered = grown(this.#remembered, new Uint8Array(size));
    this.#joined = grown(this.#joined, new Int32Array(size));
    this.#marks = grown(this.#marks, new Float64Array(size));
  }
}
