/**
 * How the folds are doing: what they hold, what they had to leave out, and whether they are at their bounds. Told by the correlator with
 * every round, asked by status.
 */
import { type Clock, TocsinError } from '@tocsin/core';
import type { FoldStats } from '@tocsin/detect';

/** State that could not be taken over to the rules now in force. */
export interface DroppedState {
  readonly rule: string;
  readonly groups: number;
}

/** What status says of the folds. */
export interface FoldsReport extends FoldStats {
  /** When groups were last forgotten to keep the bounds, milliseconds since 1970; null for never. */
  readonly evictedMs: number | null;
  /** Of the last change of rules, at most a hundred. */
  readonly dropped: readonly DroppedState[];
  /** Why correlations cannot be relied on at present; null where they can. */
  readonly strain: string | null;
}

/** Groups that go before their time are trouble for so long, milliseconds. */
const STRAIN_MS = 600_000;
const MOST_DROPPED = 100;
const NOTHING: FoldStats = { groups: 0, bytes: 0, evicted: 0, late: 0, unknown: 0, clipped: 0 };

/** Keeps what the correlators of a process last said. */
export class FoldsHealth {
  readonly #clock: Clock;
  readonly #onStrain: (why: string | null) => void;
  readonly #stats = new Map<string, FoldStats>();
  readonly #dropped = new Map<string, DroppedState[]>();
  #evictedMs: number | null = null;
  #told: string | null = null;

  /** `onStrain` is told when correlations can no longer be relied on, and with null when they can again. */
  constructor(clock: Clock, onStrain: (why: string | null) => void = () => undefined) {
    this.#clock = clock;
    this.#onStrain = onStrain;
  }

  /** Takes what one correlator's folds hold now. */
  note(correlator: string, stats: FoldStats): void {
    const before = this.#stats.get(correlator);
    // What was evicted before a restart is in its checkpoint, and no trouble of now.
    if (before !== undefined && stats.evicted > before.evicted) this.#evictedMs = this.#clock.nowMs();
    this.#stats.set(correlator, stats);
    this.tell();
  }

  /** Begins the list of state that could not be taken over. */
  rulesChanged(correlator: string): void {
    this.#dropped.set(correlator, []);
  }

  /** Takes state that could not be taken over. */
  noteDropped(correlator: string, error: TocsinError): void {
    const { rule, groups } = error.details as unknown as DroppedState;
    const dropped = this.#dropped.get(correlator) ?? [];
    this.#dropped.set(correlator, dropped);
    if (dropped.length < MOST_DROPPED) dropped.push({ rule, groups });
  }

  /** Forgets a correlator that has ended. */
  forget(correlator: string): void {
    this.#stats.delete(correlator);
    this.#dropped.delete(correlator);
  }

  /** All correlators of the process together. */
  report(): FoldsReport {
    const all = { ...NOTHING };
    for (const stats of this.#stats.values())
      for (const [name, count] of Object.entries(stats) as [keyof FoldStats, number][]) all[name] += count;
    return { ...all, evictedMs: this.#evictedMs, dropped: [...this.#dropped.values()].flat(), strain: this.#strain(all) };
  }

  /** Says when strain begins or ends; called with every round. */
  tell(): void {
    const { strain } = this.report();
    if ((strain === null) === (this.#told === null)) return;
    this.#told = strain;
    this.#onStrain(strain);
  }

  #strain({ groups, evicted }: FoldStats): string | null {
    if (this.#evictedMs === null || this.#clock.nowMs() - this.#evictedMs >= STRAIN_MS) return null;
    return new TocsinError('detect.folds_full', { groups, evicted }).message;
  }
}
