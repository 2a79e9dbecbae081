/** Being woken at a time, as an argument: the machine's own timers, or a clock moved by hand. */
import type { Clock } from '@tocsin/core';

/** Wakes at a time of the clock it belongs to. */
export interface Alarms {
  /** Calls `wake` once `clock.monotonicMs()` has reached `atMs`, unless disposed before. Never calls within `at` itself. */
  at(atMs: number, wake: () => void): Disposable;
}

/** A clock and its alarms, moved by hand: for tests and simulations. */
export interface ManualClock extends Clock, Alarms {
  /** Moves time on by `ms`, calling what is due on the way in its order. */
  advance(ms: number): void;
  /** Alarms set and neither due nor disposed. */
  readonly pending: number;
}

/** Longest time `setTimeout` takes, milliseconds; it would call at once beyond that. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** Alarms of the machine's timers, for the clock they should follow. An alarm further off than 24 days wakes early: look again. */
export function createSystemAlarms(clock: Clock): Alarms {
  return {
    at(atMs, wake) {
      const timer = setTimeout(wake, Math.min(Math.max(0, Math.ceil(atMs - clock.monotonicMs())), LONGEST_TIMEOUT_MS));
      return { [Symbol.dispose]: () => clearTimeout(timer) };
    },
  };
}

/** A clock that stands still at `startMs` (milliseconds since 1970) until it is moved. */
export function createManualClock(startMs: number): ManualClock {
  const set = new Set<{ readonly atMs: number; readonly wake: () => void }>();
  let elapsedMs = 0;
  const earliest = (): { readonly atMs: number; readonly wake: () => void } | undefined => {
    let found: { readonly atMs: number; readonly wake: () => void } | undefined;
    for (const alarm of set) if (found === undefined || alarm.atMs < found.atMs) found = alarm;
    return found;
  };
  return {
    nowMs: () => startMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    get pending() {
      return set.size;
    },
    at(atMs, wake) {
      const alarm = { atMs, wake };
      set.add(alarm);
      return { [Symbol.dispose]: () => void set.delete(alarm) };
    },
    advance(ms) {
      const endMs = elapsedMs + ms;
      for (let next = earliest(); next !== undefined && next.atMs <= endMs; next = earliest()) {
        set.delete(next);
        elapsedMs = Math.max(elapsedMs, next.atMs);
        next.wake();
      }
      elapsedMs = endMs;
    },
  };
}
