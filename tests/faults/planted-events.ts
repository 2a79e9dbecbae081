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

/** Tenant that sends nothing; on its subject a frame of another is planted. */
export const FOREIGN_TENANT = 'foreign';
/** Text of the events that make an alert each. */
export const TRIGGER = '"key":"canary"';

const TOUCHED = '7e5ad3c1-0001-4f00-8000-000000000001';
const GUESSED_ONCE = '7e5ad3c1-0002-4f00-8000-000000000002';
const GUESSED = '7e5ad3c1-0003-4f00-8000-000000000003';
const OPENED = '7e5ad3c1-0004-4f00-8000-000000000004';
const CLOSED = '7e5ad3c1-0005-4f00-8000-000000000005';
const LEFT_OPEN = '7e5ad3c1-0006-4f00-8000-000000000006';
/** Reads of the canary by one user, which make one alert with this count. */
const TOUCHES = 3;
/**
 * How far the events of the source that lags are behind the others': two minutes behind the clock, later than folds wait for a source that is there.
 * Its own time is what counts, so none of them is late.
 */
const BEHIND_MS = 320_000;
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
---
title: Trail stopped
id: ${OPENED}
name: faults_trail_stopped
status: test
description: Logging was stopped. Planted by the fault tests.
logsource: { product: aws, service: cloudtrail }
level: informational
detection:
  stopped: { eventName: StopLogging }
  condition: stopped
---
title: Trail started
id: ${CLOSED}
name: faults_trail_started
status: test
description: Logging was started. Planted by the fault tests.
logsource: { product: aws, service: cloudtrail }
level: informational
detection:
  started: { eventName: StartLogging }
  condition: started
---
title: Trail left stopped
id: ${LEFT_OPEN}
status: test
description: Logging was stopped by a user who did not start it again within two seconds. Planted by the fault tests.
level: medium
correlation:
  type: absence
  rules: [faults_trail_stopped]
  without: [faults_trail_started]
  group-by: [userIdentity.arn]
  timespan: 2s
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
  return Array.from({ length: plan.sources }, (_, i) =>
    planSource(plan, `producer-${i}`, { each, seed: plan.seed * 1000 + i, isBehind: plan.sources > 1 && i === plan.sources - 1 }),
  );
}

function planSource(plan: Plan, name: string, { each, seed, isBehind }: { each: number; seed: number; isBehind: boolean }): PlannedSource {
  const random = createRandom(seed);
  const events: PlannedEvent[] = [];
  const alerts: ExpectedAlert[] = [];
  const add = (kind: EventKind, user: string): void => {
    const ordinal = events.length;
    events.push(plannedEvent({ name, ordinal, kind, user, timeMs: plan.startMs + ordinal - (isBehind ? BEHIND_MS : 0) }));
  };
  const addLast = (): void => {
    const ordinal = events.length;
    const user = `arn:aws:iam::123456789012:user/${name}`;
    events.push(plannedEvent({ name, ordinal, kind: 'quiet', user, timeMs: plan.startMs + ordinal }));
  };
  // A correlation waits for the sources it has seen matches of: the one that is behind must be among them before the others' time goes on.
  if (isBehind)
    for (const kind of ['failedLogin', 'stopped', 'started'] as const) add(kind, `arn:aws:iam::123456789012:user/${name}-first`);
  while (events.length < each - 1) {
    const draw = random();
    const user = `arn:aws:iam::123456789012:user/${name}-${events.length}`;
    const room = each - 1 - events.length;
    if (draw < 0.02 && room >= TOUCHES) {
      for (let i = 0; i < TOUCHES; i++) add('touch', user);
      alerts.push({ ruleId: TOUCHED, user, count: TOUCHES });
    } else if (draw < 0.03 && room >= GUESSES) {
      for (let i = 0; i < GUESSES; i++) add('failedLogin', user);
      alerts.push({ ruleId: GUESSED, user, count: GUESSES });
    } else if (draw < 0.05 && room >= GUESSES - 1) {
      // One too few: an event counted twice makes an alert of it.
      for (let i = 0; i < GUESSES - 1; i++) add('failedLogin', user);
    } else if (isBehind && draw < 0.056 && room >= 1) {
      add('stopped', user);
      alerts.push({ ruleId: LEFT_OPEN, user, count: 1 });
    } else if (isBehind && draw < 0.062 && room >= 2) {
      add('stopped', user);
      add('started', user);
    } else add('quiet', `arn:aws:iam::123456789012:user/${name}`);
  }
  // The last one is of now: by its time every absence is decided.
  addLast();
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
  stopped: { eventSource: 'cloudtrail.amazonaws.com', eventName: 'StopLogging', readOnly: false, requestParameters: { name: 'trail' } },
  started: { eventSource: 'cloudtrail.amazonaws.com', eventName: 'StartLogging', readOnly: false, requestParameters: { name: 'trail' } },
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
