/**
 * When to kill: moments as shares of the events acknowledged, drawn from the seed, so that every kill falls into load however fast the machine is.
 * Kills of nats-server, of the program and of both at once are drawn apart, so that one may fall into the recovery from the other.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createRandom } from '../seeded-random.ts';
import type { Installation } from './installation.ts';

/** A kill that took place, `atAcked` events into the run. */
export type Kill = { readonly what: 'nats-server' | 'tocsin' | 'both'; readonly atAcked: number; readonly plannedAt: number };

/** What a schedule is drawn from. */
export type ScheduleOptions = {
  readonly seed: number;
  readonly events: number;
  readonly busKills: number;
  readonly tocsinKills: number;
  readonly bothKills: number;
};

/** A running schedule. */
export type Schedule = {
  readonly kills: readonly Kill[];
  /** Tell it how many events are acknowledged. */
  progress(acked: number): void;
  /** Resolves when every kill has taken place. */
  readonly done: Promise<void>;
};

/** The last kill falls before this share of the run, so that it meets load. */
const LAST_SHARE = 0.95;
const MAX_EXTRA_MS = 40;

/** Starts the schedule. */
export function startSchedule(installation: Installation, options: ScheduleOptions): Schedule {
  const random = createRandom(options.seed ^ 0x5eed);
  const draw = (count: number): number[] =>
    Array.from({ length: count }, (_, i) => Math.floor(((i + random()) / count) * LAST_SHARE * options.events));
  const kills: Kill[] = [];
  const gates = createGates();
  const series = async (what: Kill['what'], moments: readonly number[], kill: () => Promise<void>): Promise<void> => {
    for (const plannedAt of moments) {
      await gates.reached(plannedAt);
      await delay(random() * MAX_EXTRA_MS); // the seeded moment within a post's way
      kills.push({ what, atAcked: gates.acked(), plannedAt });
      await kill();
    }
  };
  const restartAlone = createQueue();
  const done = Promise.all([
    series('nats-server', draw(options.busKills), () => installation.killBus()),
    series('tocsin', draw(options.tocsinKills), () => restartAlone(() => installation.killAndRestart())),
    series('both', draw(options.bothKills), () => restartAlone(() => installation.killAndRestart('and its nats-server'))),
  ]).then(() => undefined);
  return { kills, progress: gates.progress, done };
}

/** One restart after the other: two starts on one folder would refuse each other. */
function createQueue(): (work: () => Promise<void>) => Promise<void> {
  let last = Promise.resolve();
  return (work) => {
    last = last.then(work);
    return last;
  };
}

type Gates = { acked(): number; reached(count: number): Promise<void>; progress(acked: number): void };

function createGates(): Gates {
  const waiting: { readonly count: number; readonly open: () => void }[] = [];
  let newest = 0;
  return {
    acked: () => newest,
    reached: (count) => (newest >= count ? Promise.resolve() : new Promise((open) => waiting.push({ count, open }))),
    progress(acked) {
      newest = acked;
      for (const { count, open } of waiting) if (acked >= count) open();
    },
  };
}
