/**
 * The members of an installation as one of them sees them: keeps its own record alive, follows the others', and says which
 * partitions and fold shards are its own by now. It only keeps two members from doing the same work; what keeps a stale
 * owner out is the log (docs/decisions/0006).
 */
import { hostname } from 'node:os';
import type { StateBucket } from '@tocsin/bus';
import { type Clock, isTocsinError, TocsinError } from '@tocsin/core';
import type { Duty } from '../topology.ts';
import { encodeMember, type MemberRecord, parseMember, type SharedDuty } from './member-record.ts';
import { ownerOf } from './owner-of.ts';

/** What a member is made of. */
export interface MembersOptions {
  readonly bucket: StateBucket;
  /** Stays the same over restarts of the process; a bucket key. */
  readonly id: string;
  /** Process it belongs to; its own name where absent. */
  readonly node?: string | undefined;
  /** Of this life; ULID. */
  readonly epoch: string;
  readonly duties: readonly Duty[];
  readonly version: string;
  readonly clock: Clock;
  /** Told what the others should know of its work, at each heartbeat. */
  readonly condition?: (() => Pick<MemberRecord, 'behindMs' | 'ruleSet'>) | undefined;
  readonly onTrouble: (error: unknown, what: string) => void;
  /** Told when another process has taken its name: it must stop. */
  readonly onReplaced: (error: TocsinError) => void;
  /** Pause between heartbeats and silence after which a member is gone, milliseconds. */
  readonly heartbeatMs?: number | undefined;
  readonly leaseMs?: number | undefined;
}

/** How often a record is written, and how long a member may be silent, milliseconds. */
export const HEARTBEAT_MS = 1000;
const LEASE_MS = 3000;
/** Pause before the records are followed anew after a failure, milliseconds. */
const FOLLOW_PAUSE_MS = 200;

/** Own records that must have been written since another's changed last: whoever slept himself, or was cut off, has no say in who is gone. */
const BEATS_BEFORE_GONE = 3;

interface Seen {
  readonly record: MemberRecord;
  readonly atMs: number;
  /** Own records written since. */
  beats: number;
}

/** What a holder should do now. */
export interface OwnershipPlan {
  readonly release: readonly number[];
  readonly take: readonly number[];
}

/** This member among the others. Disposing takes its record away, so that others take over at once. */
export class Members implements AsyncDisposable {
  readonly #options: MembersOptions;
  readonly #others = new Map<string, Seen>();
  readonly #listeners = new Set<() => void>();
  readonly #stop = new AbortController();
  readonly #startedMs: number;
  /** Whose lives the listeners were told of. */
  #live = '';
  #holds: MemberRecord['holds'] = { match: [], correlate: [] };
  #revision = 0;
  #writing: Promise<void> = Promise.resolve();
  #beating: NodeJS.Timeout | undefined;
  #watching: NodeJS.Timeout | undefined;
  #following: Promise<void> = Promise.resolve();

  private constructor(options: MembersOptions) {
    this.#options = options;
    this.#startedMs = options.clock.nowMs();
  }

  /** Writes its record, then looks who else is there. */
  static async open(options: MembersOptions): Promise<Members> {
    const members = new Members(options);
    members.#revision = (await options.bucket.get(options.id))?.revision ?? 0;
    await members.#write();
    for (const key of await options.bucket.keys()) {
      const entry = await options.bucket.get(key);
      if (entry) members.#see(key, entry.value);
    }
    members.#live = members.#liveIds();
    members.#following = members.#follow();
    const beat = options.heartbeatMs ?? HEARTBEAT_MS;
    members.#beating = setInterval(() => members.#beat(), beat);
    members.#watching = setInterval(() => members.#noteSilent(), Math.min(beat / 2, 250));
    return members;
  }

  get id(): string {
    return this.#options.id;
  }

  /** Its own record as last written, and those of the others that are alive. */
  list(): readonly MemberRecord[] {
    return [this.#record(), ...this.#alive()];
  }

  /** What to let go of and what to take, of `count` things of a duty, when `held` are held. */
  plan(duty: SharedDuty, count: number, held: ReadonlySet<number>): OwnershipPlan {
    const others = this.#alive();
    const able = [this.#options.id, ...others.filter((one) => one.duties.includes(duty)).map((one) => one.id)];
    const taken = new Set(others.flatMap((one) => one.holds[duty]));
    const release: number[] = [];
    const take: number[] = [];
    for (let thing = 0; thing < count; thing++) {
      const isOwn = ownerOf(`${duty}.${thing}`, able) === this.#options.id;
      if (held.has(thing) && !isOwn) release.push(thing);
      if (!held.has(thing) && isOwn && !taken.has(thing)) take.push(thing);
    }
    return { release, take };
  }

  /** Whether this member is the one of its duty that does what only one should. */
  isFirst(what: string, duty: Duty): boolean {
    const able = this.list().filter((one) => one.duties.includes(duty));
    return (
      ownerOf(
        what,
        able.map((one) => one.id),
      ) === this.#options.id
    );
  }

  /** Tells everybody what it holds of a duty from now on; resolves when it is written, or as soon as the bus cannot be reached. */
  async hold(duty: SharedDuty, things: Iterable<number>): Promise<void> {
    this.#holds = { ...this.#holds, [duty]: [...things].sort((a, b) => a - b) };
    await this.#writeSoon();
  }

  /** Calls back whenever a plan may have changed. Returns a function that ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stop.signal.aborted) return;
    clearInterval(this.#beating);
    clearInterval(this.#watching);
    this.#stop.abort();
    await this.#writing;
    await this.#following;
    try {
      await this.#options.bucket.delete(this.#options.id, this.#revision);
    } catch (error) {
      // Its lease ends by itself.
      this.#options.onTrouble(error, 'taking the record of this member away');
    }
  }

  #record(): MemberRecord {
    const { id, epoch, duties, version, condition } = this.#options;
    const facts = condition?.() ?? { behindMs: null, ruleSet: null };
    return {
      id,
      node: this.#options.node ?? id,
      epoch,
      duties,
      version,
      holds: this.#holds,
      startedMs: this.#startedMs,
      host: hostname(),
      process: process.pid,
      ...facts,
    };
  }

  #alive(): MemberRecord[] {
    const sinceMs = this.#options.clock.monotonicMs() - (this.#options.leaseMs ?? LEASE_MS);
    const alive = [...this.#others.values()].filter((seen) => seen.atMs >= sinceMs || seen.beats < BEATS_BEFORE_GONE);
    return alive.map((seen) => seen.record);
  }

  #beat(): void {
    void this.#writeSoon();
  }

  /** One write at a time; a failure is told and made good by the next heartbeat. */
  #writeSoon(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      if (this.#stop.signal.aborted) return;
      try {
        await this.#write();
      } catch (error) {
        if (isTocsinError(error, 'member.replaced')) this.#options.onReplaced(error);
        else this.#options.onTrouble(error, 'writing the record of this member');
      }
    });
    return this.#writing;
  }

  async #write(): Promise<void> {
    const { bucket, id, epoch } = this.#options;
    for (;;) {
      try {
        this.#revision = await bucket.put(id, encodeMember(this.#record()), this.#revision);
        for (const seen of this.#others.values()) seen.beats += 1;
        return;
      } catch (error) {
        if (!isTocsinError(error, 'bus.fenced')) throw error;
        const entry = await bucket.get(id);
        const there = entry && parseMember(entry.value);
        // A later life of the same name goes before; an earlier one, or a record that has ended by its life, does not.
        if (there && there.epoch > epoch) throw new TocsinError('member.replaced', { member: id }, { cause: error });
        this.#revision = entry?.revision ?? 0;
      }
    }
  }

  async #follow(): Promise<void> {
    const { bucket, onTrouble } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        for await (const change of bucket.watch({ signal })) this.#note(change);
      } catch (error) {
        if (signal.aborted) return;
        onTrouble(error, 'following the members');
        await new Promise((resolve) => setTimeout(resolve, FOLLOW_PAUSE_MS));
      }
    }
  }

  #note({ key, value, deleted }: { readonly key: string; readonly value: Uint8Array; readonly deleted: boolean }): void {
    if (deleted) this.#others.delete(key);
    else this.#see(key, value);
    this.#tell();
  }

  #see(key: string, value: Uint8Array): void {
    const record = parseMember(value);
    if (!record || key === this.#options.id) return;
    this.#others.set(key, { record, atMs: this.#options.clock.monotonicMs(), beats: 0 });
  }

  /** Nobody tells of a member that has fallen silent. */
  #noteSilent(): void {
    if (this.#liveIds() !== this.#live) this.#tell();
  }

  #tell(): void {
    const live = this.#liveIds();
    if (live === this.#live) return;
    this.#live = live;
    for (const listener of this.#listeners) listener();
  }

  /** What plans depend on. */
  #liveIds(): string {
    const alive = this.#alive().sort((a, b) => (a.id < b.id ? -1 : 1));
    return JSON.stringify(alive.map(({ id, duties, holds }) => [id, duties, holds]));
  }
}
