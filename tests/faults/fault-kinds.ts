/** What can be done to a running installation, by the name that reports use. How each is done is in `installation.ts`; when, in `fault-schedule.ts`. */
import type { Installation } from './installation.ts';

/** One kind of fault. */
export type FaultKind = {
  /** Ends the program, so that two of them must not overlap: two starts on one folder would refuse each other. */
  readonly restarts: boolean;
  /** Does it; resolves when it is over and, where it restarts, events are taken again. `random` draws from [0, 1). */
  readonly strike: (installation: Installation, random: () => number) => Promise<void>;
};

/** Every kind. */
export const faultKinds = {
  'kill nats-server': { restarts: false, strike: (it) => it.killBus() },
  'kill tocsin': { restarts: true, strike: (it) => it.killAndRestart() },
  'kill both': { restarts: true, strike: (it) => it.killAndRestart('and its nats-server') },
  'power loss': { restarts: true, strike: (it) => it.losePower() },
  'pause nats-server': { restarts: false, strike: (it, random) => it.pause('nats-server', between(500, 4000, random)) },
  'pause tocsin': { restarts: true, strike: (it, random) => it.pause('tocsin', between(500, 4000, random)) },
  'slow fsync': { restarts: false, strike: (it) => it.disturbFsync({ delayMs: 40 }, 1500) },
  'failing fsync': { restarts: false, strike: (it) => it.disturbFsync('EIO', 700) },
  'connections cut': { restarts: false, strike: async (it, random) => it.link.cut(random) },
  'connections stalled': { restarts: false, strike: (it, random) => it.link.stall(between(200, 3000, random)) },
  'clock set forward': {
    restarts: true,
    strike: (it, random) => it.stepClock(between(60_000, 240_000, random), between(500, 3000, random)),
  },
  'clock set back': { restarts: true, strike: (it, random) => it.stepClock(-between(10_000, 60_000, random), between(500, 3000, random)) },
  'bus link cut': { restarts: false, strike: async (it, random) => it.busLink().cut(random) },
  'bus link stalled': { restarts: false, strike: (it, random) => it.busLink().stall(between(200, 4000, random)) },
  'bus requests lost': { restarts: false, strike: (it, random) => it.busLink().lose('requests', between(200, 3000, random)) },
  'bus answers lost': { restarts: false, strike: (it, random) => it.busLink().lose('answers', between(200, 3000, random)) },
  'bus link slow': { restarts: false, strike: (it, random) => it.busLink().slow(between(5, 60, random), between(500, 3000, random)) },
} as const satisfies Record<string, FaultKind>;

/** Name of a kind of fault. */
export type FaultName = keyof typeof faultKinds;

/** Kinds that need a link between the program and its bus, and those that need a clock that can be set. */
export const needsBusLink = (name: FaultName): boolean => name.startsWith('bus ');
export const needsClock = (name: FaultName): boolean => name.startsWith('clock ');

/** Whether any fault of a plan is of such a kind. */
export function hasFault(faults: FaultCounts, isOfKind: (name: FaultName) => boolean): boolean {
  return (Object.keys(faultKinds) as FaultName[]).some((name) => isOfKind(name) && (faults[name] ?? 0) > 0);
}

/** How many of each; none where not named. */
export type FaultCounts = Readonly<Partial<Record<FaultName, number>>>;

function between(least: number, most: number, random: () => number): number {
  return Math.round(least + random() * (most - least));
}
