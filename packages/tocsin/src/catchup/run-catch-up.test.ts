/** Catch-ups that end on their way: what the folds take over is what was found, each step counted once, and nobody writes beside another. */
import { type Alert, type Match, type MatchStep, type Position, systemClock, TocsinError } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { bookOf, fieldsOf, logSources, openGround, readAlerts, readSteps, ruleFile } from '../../test/ground.ts';
import { parseStep } from '../duties/partition-progress.ts';
import { takeOverStates } from '../duties/take-over-states.ts';
import { TenantFolds } from '../duties/tenant-folds.ts';
import type { RuleFile } from '../rules/rule-book.ts';
import { MATCHES_FILTER, matchesSubject } from '../subjects.ts';
import { CATCH_UP_BUCKET, RULE_LISTS_BUCKET } from '../topology.ts';
import type { CatchUpJob } from './catch-up-job.ts';
import { catchUpRules } from './catch-up-rules.ts';
import { type CatchUpGround, runCatchUp } from './run-catch-up.ts';

const BASE = 1_700_000_000_000;
const HOUR = 3_600_000;
const counting = (id: string, least: number): RuleFile => ({
  path: `${id}.yml`,
  text: `title: ${id}\nid: ${id}\ncorrelation: { type: event_count, rules: [hit], group-by: [host], timespan: 10m, condition: { gte: ${least} } }\nlevel: high\n`,
});
const book = bookOf(ruleFile('hit', 'hit'), counting('two', 2), counting('six', 6));
const rules = catchUpRules(book, 'acme', { ids: ['hit'], logSources });
const none = { raised: 0, changed: 0, confirmed: 0, superseded: 0 };
const job: CatchUpJob = {
  id: 'J',
  tenant: 'acme',
  actor: 'ann',
  rules: ['hit'],
  targets: rules.targets,
  ruleSet: book.hash,
  order: 1,
  otherVersions: false,
  startMs: 0,
  marks: [],
  revision: 2 ** 32,
  state: 'running',
  events: 0,
  judged: 0,
  gone: 0,
  share: 0,
  alerts: none,
  createdMs: 0,
  updatedMs: 0,
};

function match(n: number, host: string): Match {
  const timeMs = BASE + n * 1000;
  return {
    ruleId: 'hit',
    tenant: 'acme',
    timeMs,
    receivedMs: timeMs,
    evidence: { source: 'edr', eventId: `e${n}`, timeMs, sha256: '0'.repeat(64), at: { position: `p${n}` as never, index: 0 } },
    group: { host },
    entities: [{ kind: 'host', value: host }],
    explanation: [],
  };
}

/** A log of steps, and catch-ups over it. Time passes by hand, and with every look-up of an alert. */
async function bench() {
  let nowMs = BASE;
  const clock = { ...systemClock, nowMs: () => nowMs, monotonicMs: () => nowMs };
  const { bus } = await openGround({ clock });
  const bucket = bus.bucket(CATCH_UP_BUCKET);
  let stored = 0;
  const step = async (matches: readonly Match[]): Promise<void> => {
    stored += 1;
    const watermarks = { 'acme/edr': BASE + stored * 1000 };
    const one: MatchStep = {
      partition: 0,
      epoch: 'E',
      read: {},
      watermarks,
      ruleSet: book.hash,
      order: 1,
      judged: matches.length,
      duplicates: 0,
      matches,
    };
    await bus.commit([{ subject: matchesSubject(0), id: `s${stored}`, body: Buffer.from(JSON.stringify(one)) }]);
  };
  const run = (onProgress: CatchUpGround['onProgress'], lookUpMs = 0) =>
    runCatchUp(job, {
      bus: {
        commit: (...args) => bus.commit(...args),
        read: (...args) => bus.read(...args),
        get: (at) => bus.get(at),
        info: (filter) => bus.info(filter),
        last: (subject) => {
          nowMs += lookUpMs;
          return bus.last(subject);
        },
      },
      bucket,
      lists: bus.bucket(RULE_LISTS_BUCKET),
      rules,
      fieldsOf,
      clock,
      onTrouble: () => undefined,
      onProgress,
      signal: new AbortController().signal,
    });
  /** Alerts of folds that were restored from a checkpoint before everything, and have read the whole log since. */
  const folded = async (): Promise<Alert[]> => {
    const folds = new TenantFolds(book);
    const alerts = new Map<string, Alert>();
    const signal = new AbortController().signal;
    const ground = { log: bus, catchUps: bucket, logSources, owns: undefined, onTrouble: refuse, signal };
    for await (const message of bus.read(MATCHES_FILTER, 'first')) {
      const one = parseStep(message);
      const note = one.caughtUp;
      const changed = note ? await takeOverStates(folds, { note, at: message.position as Position }, ground) : folds.advance(one);
      for (const alert of changed) alerts.set(alert.id, alert);
    }
    return [...alerts.values()].filter(({ rule }) => rule.id !== 'hit');
  };
  return { bus, step, run, folded, pass: (ms: number) => void (nowMs += ms) };
}

function refuse(error: unknown): never {
  throw error;
}

/** The process ends when its note stands and its record does not say so yet. */
async function diesBehindItsNote({ share }: { readonly share: number }): Promise<void> {
  if (share === 1) throw new Error('killed');
}

describe('runCatchUp', () => {
  it.each([
    ['at once', 0],
    ['when the bus has forgotten the id of the note', HOUR],
  ])('counts every step once for the folds after it ended behind its note and went on $0', async (_, awayMs) => {
    const { bus, step, run, folded, pass } = await bench();
    await step([match(1, 'h1'), match(2, 'h1')]);
    await expect(run(diesBehindItsNote)).rejects.toThrow('killed');
    await step([match(3, 'h1'), match(4, 'h1')]);
    await step([match(6, 'later')]);
    pass(awayMs);
    const { doneAt } = await run(async () => undefined);
    // What begins behind the note has the revisions of the running folds: theirs to write.
    expect(
      (await readAlerts(bus)).filter(({ groupBy, entities }) => groupBy['host'] === 'later' || entities[0]?.value === 'later'),
    ).toEqual([]);
    await step([match(5, 'h1')]);
    expect(await folded()).toMatchObject([{ count: 5, rule: { id: 'two' } }]);
    const notes = (await readSteps(bus)).filter(({ caughtUp }) => caughtUp !== undefined);
    expect(notes).toHaveLength(1);
    expect(doneAt.endsWith('.2')).toBe(true);
  });

  it('says that it is still at it while it writes alerts, and stops before its note where another has taken it over', async () => {
    const { bus, step, run } = await bench();
    await step(Array.from({ length: 800 }, (_, i) => match(i, `h${i >> 1}`)));
    let told = 0;
    let isTaken = false;
    const work = run(async () => {
      told += 1;
      isTaken ||= (await bus.info('tocsin.alerts.>')).messages >= 200;
      if (isTaken) throw new TocsinError('bus.fenced', { subject: 'job-J' });
    }, 50);
    await expect(work).rejects.toMatchObject({ code: 'bus.fenced' });
    expect(told).toBeGreaterThan(1);
    expect((await readAlerts(bus)).length).toBeLessThan(800);
    expect((await readSteps(bus)).filter(({ caughtUp }) => caughtUp !== undefined)).toEqual([]);
  });
});
