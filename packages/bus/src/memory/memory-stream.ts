/**
 * One stream in memory: messages in stored order, what fences and recognises a commit, and what retention removes.
 * No waiting and no clock here; groups of consumers are in `memory-group.ts`.
 */
import { type Position, TocsinError } from '@tocsin/core';
import type { Outgoing, Published, Start, Stored, StreamSpec, Subject, SubjectFilter } from '../event-bus.ts';
import { messageBytes } from '../message-check.ts';
import { encodePosition, type StreamLife, sequenceIn } from '../position.ts';
import { matchesSubject } from '../subject-filter.ts';
import { Bell } from './bell.ts';
import { Fifo } from './fifo.ts';
import type { MemoryGroup } from './memory-group.ts';

/** A message as kept. `gone` once retention, purge or an acknowledgement in a work queue has removed it. */
export interface Entry {
  readonly sequence: number;
  readonly message: Stored;
  readonly bytes: number;
  gone: boolean;
}

/** What a message costs beside its content, bytes: as on disk in JetStream (22 fixed, 8 checksum). */
const OVERHEAD_BYTES = 30;
/** What a remembered id costs beside its text, bytes (reference: about 250 in a broker). */
const ID_BYTES = 150;

/** A stream's messages and memory of ids. */
export class MemoryStream {
  spec: StreamSpec;
  readonly life: StreamLife;
  /** Rung after every change. */
  readonly bell = new Bell();
  readonly groups = new Map<string, MemoryGroup>();
  /** True once removed as a whole: nobody may wait on it any more. */
  dropped = false;
  messages = 0;
  bytes = 0;
  lastSequence = 0;
  #entries: Entry[] = [];
  #goneEntries = 0;
  /** Index of the first message still kept. */
  #head = 0;
  readonly #bySubject = new Map<Subject, Fifo<Entry>>();
  readonly #plans = new Set<Entry>();
  readonly #ids = new Map<string, { readonly position: Position; readonly storedMs: number }>();

  constructor(spec: StreamSpec, life: StreamLife) {
    this.spec = spec;
    this.life = life;
  }

  get name(): string {
    return this.spec.name;
  }

  /** Bytes of memory held, remembered ids included. */
  get footprint(): number {
    return this.bytes + this.#ids.size * ID_BYTES;
  }

  /**
   * Stores what is new of these messages, all or nothing, and answers the rest as duplicates. `room` is how many bytes the
   * bus as a whole can still take. @throws bus.fenced, bus.full, with nothing stored
   */
  store(messages: readonly Outgoing[], nowMs: number, room: number): Published[] {
    this.expire(nowMs);
    const fresh = messages.filter((message) => !this.#ids.has(message.id));
    for (const message of fresh) {
      this.#checkExpectation(message);
      this.#checkPlan(message);
    }
    const bytes = fresh.reduce((sum, message) => sum + storedBytes(message), 0);
    const limit = this.spec.maxBytes;
    if ((limit !== -1 && this.bytes + bytes > limit) || bytes > room) throw new TocsinError('bus.full', { stream: this.name });
    const published = messages.map((message) => this.#storeOne(message, nowMs));
    if (fresh.length > 0) this.bell.ring();
    return published;
  }

  /** Puts what is due where it belongs; when the next plan is, milliseconds since 1970, infinite where there is none. */
  firePlans(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    const due: Entry[] = [];
    for (const entry of this.#plans) {
      const { plan } = entry.message;
      if (entry.gone || plan === undefined) this.#plans.delete(entry);
      else if (plan.atMs <= nowMs) due.push(entry);
      else nextMs = Math.min(nextMs, plan.atMs);
    }
    due.sort((a, b) => (a.message.plan?.atMs ?? 0) - (b.message.plan?.atMs ?? 0));
    for (const entry of due) {
      const { plan, id, headers, body } = entry.message;
      this.#plans.delete(entry);
      this.remove(entry);
      if (plan !== undefined) this.#append({ subject: plan.subject, id, headers, body }, nowMs);
    }
    if (due.length > 0) this.bell.ring();
    return nextMs;
  }

  /** Applies a new declaration, and its limits to what is there. */
  update(spec: StreamSpec, nowMs: number): void {
    this.spec = spec;
    for (const queue of this.#bySubject.values()) this.#evict(queue);
    this.expire(nowMs);
    this.bell.ring();
  }

  /** Removes what has outlived its age and forgets ids whose window has passed. */
  expire(nowMs: number): void {
    for (const [id, known] of this.#ids) {
      if (nowMs - known.storedMs <= this.spec.dedupWindowMs) break;
      this.#ids.delete(id);
    }
    if (this.spec.maxAgeMs === 0) return;
    for (let first = this.firstEntry(); first !== undefined; first = this.firstEntry()) {
      if (nowMs - first.message.storedMs <= this.spec.maxAgeMs) return;
      this.remove(first);
    }
  }

  /** The first message that the filter takes at or after a sequence. */
  next(filter: SubjectFilter, fromSequence: number): Entry | undefined {
    for (let i = this.#indexOf(fromSequence); i < this.#entries.length; i++) {
      const entry = this.#entries[i];
      if (entry !== undefined && !entry.gone && matchesSubject(filter, entry.message.subject)) return entry;
    }
    return undefined;
  }

  /** How many messages the filter takes at or after a sequence. */
  count(filter: SubjectFilter, fromSequence: number): number {
    let count = 0;
    for (let entry = this.next(filter, fromSequence); entry !== undefined; entry = this.next(filter, entry.sequence + 1)) count += 1;
    return count;
  }

  at(sequence: number): Entry | undefined {
    const entry = this.#entries[this.#indexOf(sequence)];
    return entry !== undefined && entry.sequence === sequence && !entry.gone ? entry : undefined;
  }

  lastOf(subject: Subject): Entry | undefined {
    return this.#bySubject.get(subject)?.last;
  }

  firstEntry(): Entry | undefined {
    return this.#entries[this.#head];
  }

  lastEntry(): Entry | undefined {
    return this.#entries.findLast((entry) => !entry.gone);
  }

  /** Removes one message, the oldest of its subject or any other. */
  remove(entry: Entry): void {
    if (entry.gone) return;
    entry.gone = true;
    this.messages -= 1;
    this.bytes -= entry.bytes;
    const queue = this.#bySubject.get(entry.message.subject);
    while (queue?.first?.gone === true) queue.shift();
    if (queue?.length === 0) this.#bySubject.delete(entry.message.subject);
    while (this.#entries[this.#head]?.gone === true) this.#head += 1;
    this.#goneEntries += 1;
    if (this.#goneEntries > 64 && this.#goneEntries * 2 > this.#entries.length) this.#compact();
  }

  /** Removes what the filter takes up to and including a sequence. */
  purge(filter: SubjectFilter, upTo: number): number {
    let removed = 0;
    for (let entry = this.next(filter, 0); entry !== undefined && entry.sequence <= upTo; entry = this.next(filter, entry.sequence + 1)) {
      this.remove(entry);
      removed += 1;
    }
    if (removed > 0) this.bell.ring();
    return removed;
  }

  /** First sequence wanted by a start. @throws bus.bad_position when its position is of another life, or lies beyond the end */
  startSequence(start: Start): number {
    if (start === 'first') return 0;
    if (start === 'new') return this.lastSequence + 1;
    if (!(start instanceof Date)) return this.sequenceOf(start.after) + 1;
    const sinceMs = start.getTime();
    const found = this.#entries.find((entry) => !entry.gone && entry.message.storedMs >= sinceMs);
    return found?.sequence ?? this.lastSequence + 1;
  }

  /** Sequence of a position of this stream. @throws bus.bad_position */
  sequenceOf(position: Position): number {
    return sequenceIn(this.life, position, this.lastSequence);
  }

  #checkExpectation(message: Outgoing): void {
    if (message.expect === undefined) return;
    const last = this.lastOf(message.subject)?.sequence ?? 0;
    const expected = message.expect === 'none' ? 0 : this.sequenceOf(message.expect);
    if (last !== expected) throw new TocsinError('bus.fenced', { subject: message.subject });
  }

  /** @throws bus.bad_commit */
  #checkPlan({ plan }: Outgoing): void {
    if (plan === undefined) return;
    const isOurs = this.spec.subjects.some((taken) => matchesSubject(taken, plan.subject));
    if (this.spec.hasPlans === true && isOurs) return;
    const reason = isOurs ? `${this.name} takes no plans` : `${plan.subject} is no subject of ${this.name}`;
    throw new TocsinError('bus.bad_commit', { reason });
  }

  #storeOne(message: Outgoing, nowMs: number): Published {
    const { subject, id } = message;
    const known = this.#ids.get(id);
    if (known !== undefined) return { subject, id, position: known.position, duplicate: true };
    if (message.plan !== undefined) this.purge(subject, this.lastSequence);
    const { position } = this.#append(message, nowMs);
    this.#ids.set(id, { position, storedMs: nowMs });
    return { subject, id, position, duplicate: false };
  }

  #append(message: Outgoing, nowMs: number): Stored {
    const { subject, id, plan } = message;
    const sequence = this.lastSequence + 1;
    const position = encodePosition({ ...this.life, sequence });
    const headers = Object.freeze({ ...message.headers });
    const stored: Stored = { subject, id, headers, body: message.body.slice(), position, storedMs: nowMs, ...(plan && { plan }) };
    const entry: Entry = { sequence, message: stored, bytes: storedBytes(message), gone: false };
    this.lastSequence = sequence;
    this.messages += 1;
    this.bytes += entry.bytes;
    this.#entries.push(entry);
    if (plan !== undefined) this.#plans.add(entry);
    const queue = this.#bySubject.get(subject) ?? new Fifo<Entry>();
    this.#bySubject.set(subject, queue);
    queue.push(entry);
    this.#evict(queue);
    return stored;
  }

  #evict(queue: Fifo<Entry>): void {
    const most = this.spec.maxPerSubject;
    if (most === 0) return;
    for (let first = queue.first; first !== undefined && queue.length > most; first = queue.first) this.remove(first);
  }

  #compact(): void {
    this.#entries = this.#entries.filter((entry) => !entry.gone);
    this.#goneEntries = 0;
    this.#head = 0;
  }

  /** Index of the first kept entry at or after a sequence, by halving. */
  #indexOf(sequence: number): number {
    let low = this.#head;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.sequence ?? 0) < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function storedBytes(message: Outgoing): number {
  return messageBytes(message) + message.subject.length + OVERHEAD_BYTES;
}
