/** The quick run: what the ordinary tests do, and what mutants are shown to. */
import { startAhead } from './planted-events.ts';
import type { FaultOptions } from './scenario.ts';

/** 10,000 events, three kills of each, one of both at once, connections cut and stalled, a pause of each. */
export function quickPlan(seed: number): FaultOptions {
  return {
    seed,
    sources: 8,
    events: 10_000,
    postEvents: 50,
    startMs: startAhead(),
    faults: {
      'kill nats-server': 3,
      'kill tocsin': 3,
      'kill both': 1,
      'pause nats-server': 1,
      'pause tocsin': 1,
      'connections cut': 4,
      'connections stalled': 1,
    },
  };
}
