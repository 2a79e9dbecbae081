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

/** The plan. Beside the kills each round has five power losses, two pauses of each process, two slow disks, a failing one, and broken connections. */
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
  const faults = (round: number): FaultCounts =>
    Object.fromEntries(
      (Object.keys(faultKinds) as FaultName[]).map((name) => [
        name,
        inAll[name] === undefined ? (perRound[name] ?? 0) : share(inAll[name], round),
      ]),
    );
  return { faults, missing };
}

function noVolume(): string | undefined {
  const volume = openVolume();
  if (typeof volume === 'string') return volume;
  void volume[Symbol.asyncDispose]();
  return undefined;
}
