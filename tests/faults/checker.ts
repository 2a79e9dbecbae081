/** Compares what was sent and acknowledged with what the log holds, and the alerts with those that must be there. Pure. */
import type { LogContent, LoggedAlert } from './independent-reader.ts';
import type { PlannedSource } from './planted-events.ts';
import type { Sent } from './producers.ts';

/** Everything that must be zero. */
export type Failures = {
  /** Acknowledged and not in the log. */
  readonly lost: number;
  /** Sent and never acknowledged. */
  readonly unacked: number;
  /** In the log and never sent, or with other bytes than were sent. */
  readonly unexpected: number;
  /** First copies that stand before an earlier event of their source. */
  readonly reordered: number;
  /** Frames that break the wire format. */
  readonly damaged: number;
  /** Frames on another tenant's subject that were not dead-lettered. */
  readonly foreignTaken: number;
  /** Answers that no correct run gives. */
  readonly refused: number;
  /** Expected (rule, user) without an alert. */
  readonly alertsMissing: number;
  /** More than one alert id for an expected (rule, user), or one change of an alert written twice. */
  readonly alertsTwice: number;
  readonly alertsUnexpected: number;
  /** Alerts with another count than planted. */
  readonly alertsMiscounted: number;
  /** Alert ids that differ from those of the run without faults. */
  readonly alertIdsDiffer: number;
};

/** The verdict on a run. */
export type Verdict = {
  readonly failures: Failures;
  /** Copies in the log beyond the first: harmless, the dedup fold leaves them out. */
  readonly copies: number;
  readonly alertIds: readonly string[];
  /** The first things that went wrong, in words; the first line names the smallest failing prefix. */
  readonly examples: readonly string[];
};

/** What a run is judged by. */
export type Judged = {
  readonly sources: readonly PlannedSource[];
  readonly sent: Sent;
  readonly log: LogContent;
  /** Alert ids of the run without faults; absent for that run itself. */
  readonly reference?: readonly string[];
};

const MAX_EXAMPLES = 12;
/** The only tenant that sends. */
const TENANT = 'default';

/** Whether nothing is wrong. */
export function isSound(verdict: Verdict): boolean {
  return Object.values(verdict.failures).every((count) => count === 0);
}

/** Judges a finished run. */
export function judge({ sources, sent, log, reference }: Judged): Verdict {
  const events = judgeEvents(sources, sent, log);
  const alerts = judgeAlerts(sources, log.alerts, reference);
  const failures: Failures = {
    ...events.failures,
    ...alerts.failures,
    damaged: log.damage.length,
    foreignTaken: Math.max(0, log.foreign),
    refused: sent.refused.length,
  };
  const examples = [...prefixLine(sent, events.lost), ...events.examples, ...alerts.examples, ...log.damage, ...sent.refused];
  return { failures, copies: events.copies, alertIds: alerts.ids, examples: examples.slice(0, MAX_EXAMPLES) };
}

type EventsVerdict = {
  readonly failures: Pick<Failures, 'lost' | 'unacked' | 'unexpected' | 'reordered'>;
  readonly lost: readonly string[];
  readonly copies: number;
  readonly examples: readonly string[];
};

function judgeEvents(sources: readonly PlannedSource[], sent: Sent, log: LogContent): EventsVerdict {
  const planned = new Map(
    sources.flatMap(({ name, events }) => events.map(({ id, text }, ordinal) => [id, { source: name, text, ordinal }])),
  );
  const newest = new Map<string, number>();
  const seen = new Set<string>();
  const examples: string[] = [];
  let [copies, unexpected, reordered] = [0, 0, 0];
  for (const { source, id, record } of log.events) {
    const plan = planned.get(id);
    if (plan === undefined || plan.source !== source || plan.text !== record) {
      unexpected++;
      examples.push(`unexpected: ${source} ${id}: ${record.slice(0, 120)}`);
    } else if (seen.has(id)) copies++;
    else {
      seen.add(id);
      if (plan.ordinal < (newest.get(source) ?? -1)) {
        reordered++;
        examples.push(`reordered: ${id} stands behind ${source}-${newest.get(source)}`);
      }
      newest.set(source, Math.max(plan.ordinal, newest.get(source) ?? -1));
    }
  }
  const lost = [...sent.acked].filter((id) => !seen.has(id));
  examples.unshift(...lost.slice(0, 3).map((id) => `lost: ${id} was acknowledged and is not in the log`));
  return {
    failures: { lost: lost.length, unacked: sent.attempted.length - sent.acked.size, unexpected, reordered },
    lost,
    copies,
    examples,
  };
}

/** The attempts up to the first one lost are the shortest run that shows it. */
function prefixLine(sent: Sent, lost: readonly string[]): string[] {
  if (lost.length === 0) return [];
  const gone = new Set(lost);
  const first = sent.attempted.findIndex((id) => gone.has(id));
  return [`smallest failing prefix: the first ${first + 1} of ${sent.attempted.length} attempts, ending with ${sent.attempted[first]}`];
}

type AlertsVerdict = {
  readonly failures: Pick<Failures, 'alertsMissing' | 'alertsTwice' | 'alertsUnexpected' | 'alertsMiscounted' | 'alertIdsDiffer'>;
  readonly ids: readonly string[];
  readonly examples: readonly string[];
};

function judgeAlerts(
  sources: readonly PlannedSource[],
  logged: readonly LoggedAlert[],
  reference: readonly string[] | undefined,
): AlertsVerdict {
  const expected = new Map(sources.flatMap(({ alerts }) => alerts.map(({ ruleId, user, count }) => [`${ruleId} ${user}`, count])));
  const changes = logged.map(({ id, foldRevision }) => `${id} revision ${foldRevision}`);
  const twice = changes.filter((change, i) => changes.indexOf(change) !== i && changes.lastIndexOf(change) === i);
  const newest = new Map(logged.map((alert) => [alert.id, alert]));
  const byPlace = Map.groupBy(newest.values(), ({ tenant, ruleId, user }) => `${tenant === TENANT ? '' : `${tenant}: `}${ruleId} ${user}`);
  const missing = [...expected.keys()].filter((place) => !byPlace.has(place));
  const unexpected = [...byPlace.keys()].filter((place) => !expected.has(place));
  const many = [...byPlace].filter(([, alerts]) => alerts.length > 1).map(([place]) => place);
  const miscounted = [...byPlace].flatMap(([place, [alert]]) => {
    const count = expected.get(place);
    return alert === undefined || count === undefined || alert.count === count ? [] : [`${place}: ${alert.count} instead of ${count}`];
  });
  const ids = [...newest.keys()].sort();
  const differ = reference === undefined ? [] : [...inOneOnly(ids, reference), ...inOneOnly(reference, ids)];
  const failures = {
    alertsMissing: missing.length,
    alertsTwice: twice.length + many.length,
    alertsUnexpected: unexpected.length,
    alertsMiscounted: miscounted.length,
    alertIdsDiffer: differ.length,
  };
  const worded: readonly [string, readonly string[]][] = [
    ['alert missing', missing],
    ['change of an alert written twice', twice],
    ['more than one alert', many],
    ['alert unexpected', unexpected],
    ['alert miscounted', miscounted],
    ['alert id in one run only', differ],
  ];
  return { failures, ids, examples: worded.flatMap(([what, cases]) => cases.slice(0, 2).map((each) => `${what}: ${each}`)) };
}

function inOneOnly(some: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others);
  return some.filter((each) => !known.has(each));
}
