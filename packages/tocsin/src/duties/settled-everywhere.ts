/** Whether events are settled in the whole installation: every fold shard is, whoever holds it. */
import { setTimeout } from 'node:timers/promises';
import { type Clock, isTocsinError, type Lane, type Position } from '@tocsin/core';

/** Asks whoever correlates; one list of settled shards for each that answers. */
export type AskSettled = (lane: Lane, position: Position, waitMs: number) => Promise<readonly (readonly number[])[]>;

/** Pause before asking again while a shard is passing from one holder to the next, milliseconds. */
const PAUSE_MS = 50;

/** Resolves with true when everything up to a position of EVENTS is settled in every shard, with false after `waitMs`. */
export function settledEverywhere(ask: AskSettled, { shards, clock }: { shards: number; clock: Clock }) {
  return async (lane: Lane, position: Position, waitMs: number): Promise<boolean> => {
    const untilMs = clock.monotonicMs() + waitMs;
    const settled = new Set<number>();
    for (;;) {
      const leftMs = untilMs - clock.monotonicMs();
      for (const shard of await askOnce(ask, { lane, position, waitMs: Math.max(0, Math.ceil(leftMs)) })) settled.add(shard);
      if (settled.size >= shards) return true;
      if (leftMs <= 0) return false;
      await setTimeout(PAUSE_MS);
    }
  };
}

/** A duty that is down has settled nothing; it may be up again before the wait ends. */
async function askOnce(
  ask: AskSettled,
  { lane, position, waitMs }: { lane: Lane; position: Position; waitMs: number },
): Promise<readonly number[]> {
  try {
    return (await ask(lane, position, waitMs)).flat();
  } catch (error) {
    if (isTocsinError(error, 'api.duty_down')) return [];
    throw error;
  }
}
