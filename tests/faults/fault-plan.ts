/** Which faults a full run has, and how they are spread over its rounds. Kinds that the machine does not allow are left out, with the reason. */
import { type FaultCounts, type FaultName, faultKinds } from './fault-kinds.ts';
import { missingStrace } from './fsync-fault.ts';
import { openVolume } from './volume.ts';

/** How much of it. */
export type FaultPlanOptions = {
  /** Kills in all: four of nats-server and four of Tocsin to one of both. */
  readonly kills: number;
  readonly rounds: number;
};

/** Faults by round, and reasons for what is left out. */
export type FaultPlan = { readonly faults: (round: number) => FaultCounts; readonly missing: readonly string[] };

/** Every so many rounds one is on an external bus behind a faulty link: partitions in place of what only an embedded one can have. */
const PARTITIONED_EVERY = 3;
const PARTITIONS = {
  'bus link cut': 6,
  'bus link stalled': 2,
  'bus requests lost': 2,
  'bus answers lost': 3,
  'bus link slow': 2,
} as const satisfies FaultCounts;

/**
 * The plan. Beside the kills each round has two pauses of each process, two slow disks, a failing one, broken connections and a clock that is set; most have
 * five power losses, every third has partitions between the program and its bus.
 */
export function spreadFaults({ kills, rounds }: FaultPlanOptions): FaultPlan {
  const both = Math.round(kills / 9);
  const tocsin = Math.round((kills - both) / 2);
  const inAll: Partial<Record<FaultName, number>> = { 'kill both': both, 'kill tocsin': tocsin, 'kill nats-server': kills - both - tocsin };
  const perRound: Partial<Record<FaultName, number>> = {
    'power loss': 5,
    'pause nats-server': 2,
    'pause tocsin': 2,
    'slow fsync': 2,
    'failing fsync': 1,
    'connections cut': 8,
    'connections stalled': 2,
    'clock set forward': 1,
    'clock set back': 1,
  };
  const missing: string[] = [];
  const leaveOut = (names: readonly FaultName[], reason: string | undefined): void => {
    if (reason === undefined) return;
    for (const name of names) {
      delete perRound[name];
      missing.push(`${name}: ${reason}`);
    }
  };
  leaveOut(['power loss'], noVolume());
  leaveOut(['slow fsync', 'failing fsync'], missingStrace());
  const share = (count: number, round: number): number => Math.floor(((round + 1) * count) / rounds) - Math.floor((round * count) / rounds);
  const faults = (round: number): FaultCounts => {
    const isPartitioned = round % PARTITIONED_EVERY === PARTITIONED_EVERY - 1;
    const these: FaultCounts = isPartitioned ? { ...perRound, 'power loss': 0, ...PARTITIONS } : perRound;
    const kinds = Object.keys(faultKinds) as FaultName[];
    return Object.fromEntries(kinds.map((name) => [name, inAll[name] === undefined ? (these[name] ?? 0) : share(inAll[name], round)]));
  };
  return { faults, missing };
}

function noVolume(): string | undefined {
  const volume = openVolume();
  if (typeof volume === 'string') return volume;
  void volume[Symbol.asyncDispose]();
  return undefined;
}
