/** What is suspected of having ended a thread: plain data, told to the thread that is started in its place. */
import type { DropReason } from '../../deadletters/dead-letter.ts';
import type { BlackBoxEntry } from './black-box.ts';

/** Why a thread ended. */
export type EndReason = Extract<DropReason, 'deadline' | 'memory' | 'crashed'>;

/** A piece of work during which a thread ended. */
export type Suspect = Omit<BlackBoxEntry, 'turn'> & { readonly reason: EndReason };

/** What a watched thread is started with, beside its own data. */
export interface Watched {
  /** Memory of its black box. */
  readonly blackBox: SharedArrayBuffer;
  readonly suspects: readonly Suspect[];
  /** What the thread before it left for it; undefined for the first. */
  readonly kept?: unknown;
}

/** Threads that a detector may end before it is not asked any more. */
const MAX_STRIKES = 5;

/** Detectors that have ended so many threads, by their places, with what they ended them on. */
export function quarantinedDetectors(suspects: readonly Suspect[]): ReadonlyMap<number, readonly Suspect[]> {
  const strikes = Map.groupBy(
    suspects.filter(({ detector }) => detector !== -1),
    ({ detector }) => detector,
  );
  return new Map([...strikes].filter(([, ended]) => ended.length >= MAX_STRIKES));
}
