/** The quick run: what the ordinary tests do, and what mutants are shown to. */
import type { FaultOptions } from './scenario.ts';

/** 10,000 events, three kills each. */
export function quickPlan(seed: number): FaultOptions {
  return { seed, sources: 8, events: 10_000, postEvents: 50, startMs: Date.now(), busKills: 3, tocsinKills: 3 };
}
