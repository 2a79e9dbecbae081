/** One state bucket in memory: values with revisions, their life, and who watches. Waiting and limits of access are the handle's. */
import { TocsinError } from '@tocsin/core';
import type { BucketSpec, StateEntry } from '../event-bus.ts';
import { Bell } from './bell.ts';

/** What a watcher is told. */
export type StateChange = StateEntry & { readonly deleted: boolean };

interface Kept {
  readonly entry: StateEntry;
  readonly putMs: number;
}

const EMPTY = new Uint8Array(0);

/** Values by key. Times are of the monotonic clock, milliseconds. */
export class MemoryBucket {
  spec: BucketSpec;
  /** Rung after every change. */
  readonly bell = new Bell();
  readonly #values = new Map<string, Kept>();
  readonly #watchers = new Set<Map<string, StateChange>>();
  #revision = 0;

  constructor(spec: BucketSpec) {
    this.spec = spec;
  }

  get(key: string, nowMs: number): StateEntry | undefined {
    this.expire(nowMs);
    const entry = this.#values.get(key)?.entry;
    return entry === undefined ? undefined : { ...entry, value: entry.value.slice() };
  }

  keys(nowMs: number): string[] {
    this.expire(nowMs);
    return [...this.#values.keys()].sort();
  }

  /** @throws bus.fenced */
  put(key: string, value: Uint8Array, change: { readonly expected: number; readonly nowMs: number }): number {
    this.#checkExpected(key, change);
    this.#revision += 1;
    const entry: StateEntry = { key, value: value.slice(), revision: this.#revision };
    this.#values.delete(key);
    this.#values.set(key, { entry, putMs: change.nowMs });
    this.#tell({ ...entry, deleted: false });
    return this.#revision;
  }

  /** @throws bus.fenced */
  delete(key: string, change: { readonly expected: number; readonly nowMs: number }): void {
    this.#checkExpected(key, change);
    if (!this.#values.delete(key)) return;
    this.#revision += 1;
    this.#tell({ key, value: EMPTY, revision: this.#revision, deleted: true });
  }

  /** Changes not yet told, newest of each key only, so that a watcher who lags holds no more than the bucket has keys. */
  watch(nowMs: number): Map<string, StateChange> {
    this.expire(nowMs);
    const changes = new Map<string, StateChange>();
    for (const [key, kept] of this.#values) changes.set(key, { ...kept.entry, deleted: false });
    this.#watchers.add(changes);
    return changes;
  }

  unwatch(changes: Map<string, StateChange>): void {
    this.#watchers.delete(changes);
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** When the next value ends; infinite where none does. Values stand in the order of their last put. */
  get nextDueMs(): number {
    const [first] = this.#values.values();
    return first === undefined || this.spec.ttlMs === 0 ? Number.POSITIVE_INFINITY : first.putMs + this.spec.ttlMs;
  }

  expire(nowMs: number): void {
    while (this.nextDueMs <= nowMs) {
      const [key] = this.#values.keys();
      if (key === undefined) return;
      this.#values.delete(key);
      this.#revision += 1;
      this.#tell({ key, value: EMPTY, revision: this.#revision, deleted: true });
    }
  }

  #checkExpected(key: string, change: { readonly expected: number; readonly nowMs: number }): void {
    this.expire(change.nowMs);
    const revision = this.#values.get(key)?.entry.revision ?? 0;
    if (revision !== change.expected) throw new TocsinError('bus.fenced', { subject: `${this.spec.name}/${key}` });
  }

  #tell(change: StateChange): void {
    for (const changes of this.#watchers) {
      changes.delete(change.key);
      changes.set(change.key, { ...change, value: change.value.slice() });
    }
    this.bell.ring();
  }
}
