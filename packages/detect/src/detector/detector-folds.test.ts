import { isTocsinError, type Match, type MatchStep, type Position } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { checkDetector } from './check-detector.ts';
import type { Detector, LoadedDetector } from './detector.ts';
import { DetectorFolds, type FoldFailure } from './detector-folds.ts';
import { runDetector } from './run-detector.ts';

const MINUTE_MS = 60_000;

interface Count {
  readonly count: number;
  readonly last: Match | null;
}

/** Alerts on every third match of a user, and on a user who is silent for ten minutes after one. */
const threes: Detector<Count> = {
  id: 'threes',
  title: 'Threes',
  description: 'Every third.',
  level: 'low',
  sources: [{ product: 'test' }],
  fields: ['user'],
  select: (event) => event.get('user') !== undefined,
  fold: {
    groupName: 'user',
    version: 1,
    key: (match) => match.group['user'],
    initial: () => ({ count: 0, last: null }),
    advance({ count }, match) {
      if (match.group['user'] === 'poison') throw new RangeError('poison');
      const state = { count: count + 1, last: match };
      return state.count % 3 === 0 ? { state, alert: { because: `${state.count} matches` } } : { state };
    },
    nextDue: ({ last }) => (last === null ? null : last.timeMs + 10 * MINUTE_MS),
    onWatermark: ({ count, last }, watermarkMs) => ({
      state: { count, last: null },
      ...(last === null ? {} : { alert: { because: `silent until ${watermarkMs}`, evidence: [last] } }),
    }),
  },
};

const load = (detector: Detector<never>, sha256 = 'v1'): LoadedDetector => checkDetector(detector, { path: 'threes.ts', sha256 });
const loaded = load(threes as unknown as Detector<never>);

let made = 0;
function matchOf(user: string, timeMs: number, tenant = 'acme'): Match {
  made += 1;
  const evidence = { source: 'edr', eventId: `e${made}`, timeMs, sha256: '', at: { position: 'p' as Position, index: 0 } };
  return { ruleId: 'detector.threes', tenant, timeMs, receivedMs: timeMs, evidence, group: { user }, entities: [], explanation: [] };
}

function stepOf(matches: readonly Match[], watermarkMs = 0): MatchStep {
  return { partition: 0, epoch: 'e', read: {}, watermarks: { 'acme/edr': watermarkMs }, ruleSet: 's', judged: 1, duplicates: 0, matches };
}

function run(folds: DetectorFolds, steps: readonly MatchStep[]): { alerts: string[]; failures: FoldFailure[] } {
  const failures: FoldFailure[] = [];
  const alerts = steps.flatMap((step) => folds.advance(step, { onFailure: (failure) => failures.push(failure) }));
  return {
    alerts: alerts.map(({ id, tenant, count, foldRevision, groupBy, explanation }) =>
      JSON.stringify([id, tenant, count, foldRevision, groupBy, explanation.map(({ pattern }) => pattern)]),
    ),
    failures,
  };
}

const steps: readonly MatchStep[] = Array.from({ length: 40 }, (_, i) =>
  stepOf([matchOf(`u${i % 5}`, i * MINUTE_MS), matchOf(`u${i % 3}`, i * MINUTE_MS, i % 2 === 0 ? 'acme' : 'globex')], (i - 1) * MINUTE_MS),
);

describe('detector folds', () => {
  it('raise an alert for a group, and say more of the same in it', () => {
    const folds = new DetectorFolds([loaded]);
    const matches = Array.from({ length: 6 }, (_, i) => matchOf('anna', i * 1000));
    const alerts = matches.flatMap((match) => folds.advance(stepOf([match]), { onFailure: () => undefined }));
    expect(alerts).toMatchObject([
      { rule: { id: 'detector.threes', version: 'v1' }, groupBy: { user: 'anna' }, count: 1, foldRevision: 1 },
      { count: 2, foldRevision: 2 },
    ]);
    expect(alerts[0]?.id).toBe(alerts[1]?.id);
    expect(alerts[1]?.explanation.map(({ pattern }) => pattern)).toEqual(['3 matches', '6 matches']);
  });

  it('come to the same from a checkpoint at any step as without one', () => {
    const whole = run(new DetectorFolds([loaded]), steps).alerts;
    expect(whole.length).toBeGreaterThan(10);
    for (let cut = 0; cut < steps.length; cut += 3) {
      const before = new DetectorFolds([loaded]);
      const first = run(before, steps.slice(0, cut)).alerts;
      const second = run(new DetectorFolds([loaded], { saved: before.encode() }), steps.slice(cut)).alerts;
      expect([...first, ...second], `cut at ${cut}`).toEqual(whole);
    }
  });

  it('keep a state of before only where the detector says that it can be read', () => {
    const before = new DetectorFolds([loaded]);
    run(before, steps);
    const other = { ...threes, fold: { ...threes.fold, version: 2 } };
    expect(new DetectorFolds([load(other as unknown as Detector<never>)], { saved: before.encode() }).groups).toBe(0);
    expect(new DetectorFolds([load(threes as unknown as Detector<never>, 'v2')], { saved: before.encode() }).groups).toBe(before.groups);
  });

  it('come to the same in shards as in one', () => {
    const whole = run(new DetectorFolds([loaded]), steps).alerts;
    const shards = [0, 1, 2].map(
      (index) =>
        new DetectorFolds([loaded], {
          owns: (_, key) => key.length + Number(key.at(-1)) === index + 2 || (index === 0 && Number(key.at(-1)) > 2),
        }),
    );
    expect(shards.flatMap((folds) => run(folds, steps).alerts).sort()).toEqual([...whole].sort());
  });

  it('notice what does not come, by event time', () => {
    const folds = new DetectorFolds([loaded]);
    expect(run(folds, [stepOf([matchOf('anna', 0)], 0), stepOf([], 9 * MINUTE_MS)]).alerts).toEqual([]);
    const { alerts } = run(folds, [stepOf([], 10 * MINUTE_MS), stepOf([], 30 * MINUTE_MS)]);
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toContain(`silent until ${10 * MINUTE_MS}`);
  });

  it('keep tenants and groups apart, whatever they are called', () => {
    const folds = new DetectorFolds([loaded]);
    const odd = ['__proto__', 'constructor', '\u0000', 'acme', '\ud800'];
    const { alerts } = run(
      folds,
      [...odd, ...odd].map((user) => stepOf([matchOf(user, 0), matchOf(user, 0, 'globex')])),
    );
    expect(alerts).toEqual([]);
    expect(folds.groups).toBe(2 * odd.length);
    expect(
      run(
        folds,
        odd.map((user) => stepOf([matchOf(user, 0)])),
      ).alerts,
    ).toHaveLength(odd.length);
  });

  it('keep their states where a detector throws, and say which match it was', () => {
    const folds = new DetectorFolds([loaded]);
    const { alerts, failures } = run(folds, [stepOf([matchOf('anna', 0), matchOf('poison', 0), matchOf('anna', 1), matchOf('anna', 2)])]);
    expect(alerts).toHaveLength(1);
    expect(failures).toMatchObject([{ ruleId: 'detector.threes', index: 1 }]);
  });

  it('leave out what was set aside, and forget the group touched longest ago at the bound', () => {
    const folds = new DetectorFolds([loaded]);
    folds.advance(stepOf([matchOf('a', 0), matchOf('b', 0)]), { onFailure: () => undefined, skip: (index) => index === 0 });
    expect(folds.groups).toBe(1);
    for (let i = 0; i < 20_010; i++) folds.advance(stepOf([matchOf(`g${i}`, i)]), { onFailure: () => undefined });
    expect([folds.groups, folds.evicted]).toEqual([20_000, 11]);
  });
});

describe('checking detectors', () => {
  it.each([
    ['nothing', undefined],
    ['a list', []],
    ['no id', { ...threes, id: undefined }],
    ['a hostile id', { ...threes, id: '../x' }],
    ['no level', { ...threes, level: 'toString' }],
    ['no sources', { ...threes, sources: [] }],
    ['fields that are none', { ...threes, fields: [1] }],
    ['no select', { ...threes, select: 'yes' }],
    ['no fold', { ...threes, fold: null }],
    ['half a fold', { ...threes, fold: { ...threes.fold, advance: undefined } }],
    ['one half of the watermark', { ...threes, fold: { ...threes.fold, nextDue: undefined } }],
  ])('refuses %s by name', (_, exported) => {
    let caught: unknown;
    try {
      checkDetector(exported, { path: 'bad.ts', sha256: '' });
    } catch (error) {
      caught = error;
    }
    expect(isTocsinError(caught, 'detect.bad_detector')).toBe(true);
    expect((caught as Error).message).toContain('bad.ts');
  });

  it('runs one over plain events, with what it threw', () => {
    const users = ['anna', 'anna', 'poison', 'anna'];
    const { alerts, errors } = runDetector(
      threes,
      users.map((user, i) => ({ timeMs: i, fields: { user } })),
    );
    expect(alerts).toMatchObject([{ groupBy: { user: 'anna' } }]);
    expect(errors).toMatchObject([{ message: 'poison' }]);
  });
});
