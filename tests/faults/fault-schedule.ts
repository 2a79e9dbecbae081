/**
 * When each fault strikes: moments as shares of the events acknowledged, drawn from the seed, so that every fault falls into load however fast the machine is.
 * Each kind is drawn apart, so that one may fall into the recovery from another.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createRandom } from '../seeded-random.ts';
import { type FaultCounts, type FaultName, faultKinds } from './fault-kinds.ts';
import type { Installation } from './installation.ts';

/** A fault that took place, `atAcked` events into the run. */
export type Fault = { readonly what: FaultName; readonly atAcked: number; readonly plannedAt: number };

/** What a schedule is drawn from. */
export type ScheduleOptions = { readonly seed: number; readonly events: number; readonly faults: FaultCounts };

/** A running schedule. */
export type Schedule = {
  readonly faults: readonly Fault[];
  /** Tell it how many events are acknowledged. */
  progress(acked: number): void;
  /** Tell it that no more will be: what has not come to its moment, since events were refused, does not take place. */
  finish(): void;
  /** Resolves when every fault that took place is over, and no other will. */
  readonly done: Promise<void>;
};

/** The last fault falls before this share of the run, so that it meets load. */
const LAST_SHARE = 0.95;
const MAX_EXTRA_MS = 40;

/** Starts the schedule. */
export function startSchedule(installation: Installation, options: ScheduleOptions): Schedule {
  const random = createRandom(options.seed ^ 0x5eed);
  const faults: Fault[] = [];
  const gates = createGates();
  const alone = createQueue();
  const series = async (what: FaultName, moments: readonly number[]): Promise<void> => {
    const { restarts, strike } = faultKinds[what];
    for (const plannedAt of moments) {
      if (!(await gates.reached(plannedAt))) return;
      await delay(random() * MAX_EXTRA_MS); // the seeded moment within a post's way
      const act = (): Promise<void> => {
        faults.push({ what, atAcked: gates.acked(), plannedAt });
        return strike(installation, random);
      };
      await (restarts ? alone(act) : act());
    }
  };
  const names = Object.keys(faultKinds) as FaultName[];
  const draw = (count: number): number[] =>
    Array.from({ length: count }, (_, i) => Math.floor(((i + random()) / count) * LAST_SHARE * options.events));
  const done = Promise.all(names.map((name) => series(name, draw(options.faults[name] ?? 0)))).then(() => undefined);
  return { faults, progress: gates.progress, finish: gates.close, done };
}

/** One after the other. */
function createQueue(): (work: () => Promise<void>) => Promise<void> {
  let last = Promise.resolve();
  return (work) => {
    last = last.then(work);
    return last;
  };
}

type Gates = { acked(): number; reached(count: number): Promise<boolean>; progress(acked: number): void; close(): void };

/** `reached` resolves with false when the gates are closed before. */
function createGates(): Gates {
  const waiting: { readonly count: number; readonly open: (isReached: boolean) => void }[] = [];
  let newest = 0;
  let isClosed = false;
  return {
    acked: () => newest,
    reached: (count) =>
      newest >= count || isClosed ? Promise.resolve(newest >= count) : new Promise((open) => waiting.push({ count, open })),
    progress(acked) {
      newest = acked;
      for (const { count, open } of waiting) if (acked >= count) open(true);
    },
    close() {
      isClosed = true;
      for (const { open } of waiting) open(false);
    },
  };
}
