/**
 * The events a run sends and the alerts that must come of them, both computed from seed and counts alone. Every source has hosts of its own:
 * a planted group lies within one source, so that its order, and with it the alert's id, does not depend on how sources interleave.
 */
import { createRandom } from '../seeded-random.ts';

/** How many events, from how many sources, in posts of how many. */
export type Plan = {
  readonly seed: number;
  readonly sources: number;
  readonly events: number;
  readonly postEvents: number;
  /** Event time of the first event, milliseconds since 1970; the same in the runs that are compared. */
  readonly startMs: number;
};

/** One event as it is sent. `text` is its line. */
export type PlannedEvent = { readonly id: string; readonly text: string };

/** An alert that must exist once in the end. */
export type ExpectedAlert = { readonly ruleId: string; readonly host: string; readonly count: number };

/** What one source sends, and what must be found in it. */
export type PlannedSource = { readonly name: string; readonly events: readonly PlannedEvent[]; readonly alerts: readonly ExpectedAlert[] };

const TOUCHED = '7e5ad3c1-0001-4f00-8000-000000000001';
const GUESSED_ONCE = '7e5ad3c1-0002-4f00-8000-000000000002';
const GUESSED = '7e5ad3c1-0003-4f00-8000-000000000003';
/** Failed logins that make the correlation. */
const GUESSES = 5;

/** Rules that the planted events trigger: hits grouped per host, and a count of five. */
export const plantedRules = `title: Canary file touched
id: ${TOUCHED}
status: test
description: A file nobody has business with was opened. Planted by the fault tests.
level: high
detection:
  touch: { event.action: canary_touched }
  condition: touch
---
title: Login failed
id: ${GUESSED_ONCE}
name: faults_login_failed
status: test
description: One failed login, counted by the correlation below. Planted by the fault tests.
level: informational
detection:
  failed: { event.action: login_failed }
  condition: failed
---
title: Password guessed
id: ${GUESSED}
status: test
description: Five failed logins on one host within a minute. Planted by the fault tests.
level: medium
correlation:
  type: event_count
  rules: [faults_login_failed]
  group-by: [host.name]
  timespan: 1m
  condition: { gte: ${GUESSES} }
`;

/** Every source of a plan. */
export function planSources(plan: Plan): PlannedSource[] {
  const each = Math.ceil(plan.events / plan.sources);
  return Array.from({ length: plan.sources }, (_, i) => planSource(plan, `producer-${i}`, { each, seed: plan.seed * 1000 + i }));
}

function planSource(plan: Plan, name: string, { each, seed }: { each: number; seed: number }): PlannedSource {
  const random = createRandom(seed);
  const events: PlannedEvent[] = [];
  const alerts: ExpectedAlert[] = [];
  const add = (action: string, host: string): void => {
    const ordinal = events.length;
    events.push(plannedEvent({ name, ordinal, action, host, timeMs: plan.startMs + ordinal }));
  };
  while (events.length < each) {
    const draw = random();
    const host = `${name}-host-${events.length}`;
    const room = each - events.length;
    if (draw < 0.02 && room >= 3) {
      for (let i = 0; i < 3; i++) add('canary_touched', host);
      alerts.push({ ruleId: TOUCHED, host, count: 3 });
    } else if (draw < 0.03 && room >= GUESSES) {
      for (let i = 0; i < GUESSES; i++) add('login_failed', host);
      alerts.push({ ruleId: GUESSED, host, count: GUESSES });
    } else if (draw < 0.05 && room >= GUESSES - 1) {
      // One too few: an event counted twice makes an alert of it.
      for (let i = 0; i < GUESSES - 1; i++) add('login_failed', host);
    } else add('file_read', `${name}-host-quiet`);
  }
  return { name, events, alerts };
}

type Made = { readonly name: string; readonly ordinal: number; readonly action: string; readonly host: string; readonly timeMs: number };

function plannedEvent({ name, ordinal, action, host, timeMs }: Made): PlannedEvent {
  const id = `${name}-${ordinal}`;
  const text = JSON.stringify({
    '@timestamp': new Date(timeMs).toISOString(),
    event: { id, action },
    host: { name: host },
    user: { name: `user-${ordinal % 97}` },
    message: `${action} by process ${ordinal} of ${name}, with some words to give it the length that events have`,
  });
  return { id, text };
}
