/** The quick run: what the ordinary tests do, and what mutants are shown to. */
import { startAhead } from './planted-events.ts';
import type { FaultOptions } from './scenario.ts';

/** 10,000 events, three kills of each, one of both at once. */
export function quickPlan(seed: number): FaultOptions {
  return { seed, sources: 8, events: 10_000, postEvents: 50, startMs: startAhead(), busKills: 3, tocsinKills: 3, bothKills: 1 };
}
