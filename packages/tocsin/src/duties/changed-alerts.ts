/**
 * Alerts that folds have changed and ALERTS does not show yet. A new alert cannot wait; a higher count of a known one can, for
 * a moment, so that a flood of like events makes a few messages and not one each. What is kept is the newest state of each.
 */
import type { Alert, Clock } from '@tocsin/core';

/** How long a change of a known alert may wait for further ones, milliseconds. */
const UPDATE_EVERY_MS = 1000;
/** Changes that wait at once; with one more, all are due. */
const MAX_WAITING = 500;

/** Changes of one correlator, in the order they were first made. */
export class ChangedAlerts {
  readonly #clock: Clock;
  readonly #updateEveryMs: number;
  readonly #waiting = new Map<string, Alert>();
  readonly #new = new Set<string>();
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, updateEveryMs: number = UPDATE_EVERY_MS) {
    this.#clock = clock;
    this.#updateEveryMs = updateEveryMs;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Takes the newest state of an alert in place of an older one. */
  add(alert: Alert): void {
    const key = JSON.stringify([alert.tenant, alert.id]);
    if (alert.foldRevision === 1) this.#new.add(key);
    if (this.#waiting.size === 0) this.#dueMs = this.#clock.monotonicMs() + this.#updateEveryMs;
    this.#waiting.set(key, alert);
    if (this.#waiting.size > MAX_WAITING) this.#dueMs = Number.NEGATIVE_INFINITY;
  }

  /** Milliseconds until everything should be written; 0 or less when it is due, infinite while nothing waits. */
  dueInMs(): number {
    return this.isEmpty ? Number.POSITIVE_INFINITY : this.#dueMs - this.#clock.monotonicMs();
  }

  /** Takes out the alerts that nobody has seen yet. */
  takeNew(): Alert[] {
    const taken: Alert[] = [];
    for (const key of this.#new) {
      const alert = this.#waiting.get(key);
      if (alert) taken.push(alert);
      this.#waiting.delete(key);
    }
    this.#new.clear();
    return taken;
  }

  /** Takes everything out. */
  takeAll(): Alert[] {
    const taken = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#new.clear();
    return taken;
  }
}
