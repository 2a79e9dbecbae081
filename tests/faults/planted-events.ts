/**
 * The events a run sends (CloudTrail records) and the alerts that must come of them, both computed from seed and counts alone. Every source has users of its own:
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
export type ExpectedAlert = { readonly ruleId: string; readonly user: string; readonly count: number };

/** What one source sends, and what must be found in it. */
export type PlannedSource = { readonly name: string; readonly events: readonly PlannedEvent[]; readonly alerts: readonly ExpectedAlert[] };

const TOUCHED = '7e5ad3c1-0001-4f00-8000-000000000001';
const GUESSED_ONCE = '7e5ad3c1-0002-4f00-8000-000000000002';
const GUESSED = '7e5ad3c1-0003-4f00-8000-000000000003';
/** Reads of the canary by one user, which make one alert with this count. */
const TOUCHES = 3;
/** Failed logins that make the correlation. */
const GUESSES = 5;

/** Rules that the planted events trigger: hits grouped per user, and a count of five. */
export const plantedRules = `title: Canary object read
id: ${TOUCHED}
status: test
description: An object nobody has business with was read. Planted by the fault tests.
logsource: { product: aws, service: cloudtrail }
level: high
detection:
  touch: { eventName: GetObject, requestParameters.key: canary }
  condition: touch
---
title: Login failed
id: ${GUESSED_ONCE}
name: faults_login_failed
status: test
description: One failed login, counted by the correlation below. Planted by the fault tests.
logsource: { product: aws, service: cloudtrail }
level: informational
detection:
  failed: { eventName: ConsoleLogin, errorMessage: Failed authentication }
  condition: failed
---
title: Password guessed
id: ${GUESSED}
status: test
description: Five failed logins of one user within a minute. Planted by the fault tests.
level: medium
correlation:
  type: event_count
  rules: [faults_login_failed]
  group-by: [userIdentity.arn]
  timespan: 1m
  condition: { gte: ${GUESSES} }
`;

/**
 * Event time to start with: ahead of the clock, within the skew that ingest allows (5 minutes), so that no event is late for a fold however
 * long a recovery takes. An outage of minutes does make old events late for correlations; that is lateness, not loss, and not what is tested here.
 */
export function startAhead(): number {
  return Date.now() + 200_000;
}

/** Every source of a plan. */
export function planSources(plan: Plan): PlannedSource[] {
  const each = Math.ceil(plan.events / plan.sources);
  return Array.from({ length: plan.sources }, (_, i) => planSource(plan, `producer-${i}`, { each, seed: plan.seed * 1000 + i }));
}

function planSource(plan: Plan, name: string, { each, seed }: { each: number; seed: number }): PlannedSource {
  const random = createRandom(seed);
  const events: PlannedEvent[] = [];
  const alerts: ExpectedAlert[] = [];
  const add = (kind: EventKind, user: string): void => {
    const ordinal = events.length;
    events.push(plannedEvent({ name, ordinal, kind, user, timeMs: plan.startMs + ordinal }));
  };
  while (events.length < each) {
    const draw = random();
    const user = `arn:aws:iam::123456789012:user/${name}-${events.length}`;
    const room = each - events.length;
    if (draw < 0.02 && room >= TOUCHES) {
      for (let i = 0; i < TOUCHES; i++) add('touch', user);
      alerts.push({ ruleId: TOUCHED, user, count: TOUCHES });
    } else if (draw < 0.03 && room >= GUESSES) {
      for (let i = 0; i < GUESSES; i++) add('failedLogin', user);
      alerts.push({ ruleId: GUESSED, user, count: GUESSES });
    } else if (draw < 0.05 && room >= GUESSES - 1) {
      // One too few: an event counted twice makes an alert of it.
      for (let i = 0; i < GUESSES - 1; i++) add('failedLogin', user);
    } else add('quiet', `arn:aws:iam::123456789012:user/${name}`);
  }
  return { name, events, alerts };
}

const KINDS = {
  quiet: {
    eventSource: 's3.amazonaws.com',
    eventName: 'ListBuckets',
    readOnly: true,
    requestParameters: { host: 's3.eu-west-1.amazonaws.com' },
  },
  touch: {
    eventSource: 's3.amazonaws.com',
    eventName: 'GetObject',
    readOnly: true,
    requestParameters: { bucketName: 'vault', key: 'canary' },
  },
  failedLogin: {
    eventSource: 'signin.amazonaws.com',
    eventName: 'ConsoleLogin',
    errorMessage: 'Failed authentication',
    requestParameters: null,
  },
} as const;
type EventKind = keyof typeof KINDS;

type Made = { readonly name: string; readonly ordinal: number; readonly kind: EventKind; readonly user: string; readonly timeMs: number };

function plannedEvent({ name, ordinal, kind, user, timeMs }: Made): PlannedEvent {
  const id = `${name}-${ordinal}`;
  const text = JSON.stringify({
    eventVersion: '1.09',
    eventID: id,
    eventTime: new Date(timeMs).toISOString(),
    awsRegion: 'eu-west-1',
    sourceIPAddress: `198.51.100.${ordinal % 251}`,
    userAgent: 'aws-cli/2.15.0 Python/3.11.6 Linux/6.1.0 botocore/2.4.5',
    userIdentity: { type: 'IAMUser', accountId: '123456789012', arn: user, userName: user.split('/')[1] },
    ...KINDS[kind],
  });
  return { id, text };
}
