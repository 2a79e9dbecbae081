/**
 * A group of competing consumers: what it has been given, what waits to be given again, and when. Members ask; nothing
 * is handed out unasked. Waiting is done in `memory-subscription.ts`.
 */
import type { ConsumerInfo, SubjectFilter } from '../event-bus.ts';
import { encodePosition } from '../position.ts';
import type { Entry, MemoryStream } from './memory-stream.ts';

/** What one member holds, against its bounds. */
export interface Holding {
  messages: number;
  bytes: number;
}

/** One handing-out of a message. */
export interface Handout {
  readonly entry: Entry;
  /** 1 for the first. */
  readonly attempt: number;
}

/** A message handed out at least once and not settled. Without a holder it waits for `dueMs`, with one the ack wait ends then. */
interface Open {
  readonly entry: Entry;
  attempt: number;
  dueMs: number;
  holder: Holding | undefined;
}

/** A durable group on one stream. Times are of the monotonic clock, milliseconds. */
export class MemoryGroup {
  readonly name: string;
  readonly filter: SubjectFilter;
  readonly #stream: MemoryStream;
  readonly #open = new Map<number, Open>();
  #nextSequence: number;
  /** No open message is due earlier; may be too early, never too late. */
  #nextDueMs = Number.POSITIVE_INFINITY;

  constructor(spec: { readonly name: string; readonly filter: SubjectFilter }, stream: MemoryStream, startSequence: number) {
    this.name = spec.name;
    this.filter = spec.filter;
    this.#stream = stream;
    this.#nextSequence = startSequence;
  }

  /** When to look again though nothing changes: the first due time after now; infinite where only a change can help. */
  nextChangeMs(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const open of this.#open.values()) if (open.dueMs > nowMs) nextMs = Math.min(nextMs, open.dueMs);
    return nextMs;
  }

  /** Hands out the message due longest, else the next new one; undefined while there is none or the member holds enough. */
  take(
    member: { readonly holding: Holding; readonly ackWaitMs: number; fits(bytes: number): boolean },
    nowMs: number,
  ): Handout | undefined {
    this.#release(nowMs);
    const open = this.#due(nowMs) ?? this.#fresh();
    if (open === undefined || !member.fits(open.entry.bytes)) return undefined;
    if (open.attempt === 0) {
      this.#nextSequence = open.entry.sequence + 1;
      this.#open.set(open.entry.sequence, open);
    }
    open.attempt += 1;
    open.holder = member.holding;
    member.holding.messages += 1;
    member.holding.bytes += open.entry.bytes;
    this.#setDue(open, nowMs + member.ackWaitMs);
    return { entry: open.entry, attempt: open.attempt };
  }

  /** Ends a message for this group, whichever attempt says so. */
  settle(handout: Handout): void {
    const open = this.#open.get(handout.entry.sequence);
    if (open === undefined) return;
    this.#letGo(open);
    this.#open.delete(handout.entry.sequence);
    if (this.#stream.spec.retention === 'work_queue') this.#stream.remove(handout.entry);
    this.#stream.bell.ring();
  }

  /** Gives a message back, to be handed out from `atMs` on. A handing-out that is no longer the latest changes nothing. */
  giveBack(handout: Handout, atMs: number): void {
    const open = this.#latest(handout);
    if (open === undefined) return;
    this.#letGo(open);
    this.#setDue(open, atMs);
    this.#stream.bell.ring();
  }

  /** Starts the ack wait anew. */
  extend(handout: Handout, untilMs: number): void {
    const open = this.#latest(handout);
    if (open?.holder !== undefined) open.dueMs = untilMs;
  }

  info(): ConsumerInfo {
    for (const open of this.#open.values()) if (open.entry.gone) this.#forget(open);
    const settled = Math.min(this.#nextSequence, ...this.#open.keys()) - 1;
    return {
      group: this.name,
      pending: this.#stream.count(this.filter, this.#nextSequence),
      unacknowledged: this.#open.size,
      acknowledged: settled < 1 ? undefined : encodePosition({ ...this.#stream.life, sequence: settled }),
    };
  }

  /** Takes back what was not answered within its ack wait, so that the member who held it has room again. */
  #release(nowMs: number): void {
    if (nowMs < this.#nextDueMs) return;
    this.#nextDueMs = Number.POSITIVE_INFINITY;
    for (const open of this.#open.values()) {
      if (open.entry.gone) this.#forget(open);
      else {
        if (open.dueMs <= nowMs) this.#letGo(open);
        this.#nextDueMs = Math.min(this.#nextDueMs, open.dueMs);
      }
    }
  }

  #due(nowMs: number): Open | undefined {
    if (nowMs < this.#nextDueMs) return undefined;
    let longest: Open | undefined;
    for (const open of this.#open.values()) {
      if (open.holder === undefined && open.dueMs <= nowMs && (longest === undefined || open.dueMs < longest.dueMs)) longest = open;
    }
    return longest;
  }

  #fresh(): Open | undefined {
    const entry = this.#stream.next(this.filter, this.#nextSequence);
    if (entry === undefined) this.#nextSequence = Math.max(this.#nextSequence, this.#stream.lastSequence + 1);
    return entry === undefined ? undefined : { entry, attempt: 0, dueMs: 0, holder: undefined };
  }

  #latest(handout: Handout): Open | undefined {
    const open = this.#open.get(handout.entry.sequence);
    return open?.attempt === handout.attempt ? open : undefined;
  }

  #setDue(open: Open, atMs: number): void {
    open.dueMs = atMs;
    this.#nextDueMs = Math.min(this.#nextDueMs, atMs);
  }

  #letGo(open: Open): void {
    if (open.holder === undefined) return;
    open.holder.messages -= 1;
    open.holder.bytes -= open.entry.bytes;
    open.holder = undefined;
  }

  #forget(open: Open): void {
    this.#letGo(open);
    this.#open.delete(open.entry.sequence);
  }
}
