import type { Alert, Match, MatchStep } from '@tocsin/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchAt, ruleSet, runSteps, stepOf } from '../../test/fold-steps.ts';
import { LATENESS_MS } from './fold.ts';
import { createFoldSet } from './fold-set.ts';
import { restoreFoldSet } from './restore-fold-set.ts';

const seed = Number(process.env['TOCSIN_SEED'] ?? Date.now() & 0x7fffffff);
const SPAN_MS = 100_000;
const correlation = (condition: string): string =>
  `{ type: event_count, rules: [base], group-by: [k], timespan: 100s, condition: ${condition} }`;
const FAR = 10_000_000;

/** First and last event time and count of every alert. */
function episodes(alerts: Iterable<Alert>): string[] {
  return [...alerts].map((alert) => `${JSON.stringify(alert.groupBy)} ${alert.firstMs}-${alert.lastMs} ${alert.count}`).sort();
}

/** The same by counting every window anew and joining those that share events. */
function naiveEpisodes(times: readonly number[], meets: (count: number) => boolean): string[] {
  const sorted = [...times].sort((a, b) => a - b);
  const spans: [number, number][] = [];
  for (const end of new Set(sorted)) {
    const window = sorted.filter((time) => time <= end && time >= end - SPAN_MS);
    if (!meets(window.length)) continue;
    const last = spans.at(-1);
    if (last !== undefined && (window[0] as number) <= last[1]) last[1] = end;
    else spans.push([window[0] as number, end]);
  }
  return spans.map(([from, to]) => `{"k":"x"} ${from}-${to} ${sorted.filter((time) => time >= from && time <= to).length}`).sort();
}

/** Matches in an order in which none is further behind the watermark than the lateness, in steps that carry it. */
function shuffledSteps(times: readonly number[], delays: readonly number[]): MatchStep[] {
  const arriving = times.map((time, index) => ({
    match: matchAt(time, { id: `e${time}-${index}` }),
    arrival: time + (delays[index % delays.length] as number),
  }));
  arriving.sort((a, b) => a.arrival - b.arrival);
  let watermark = 0;
  return arriving.map(({ match }) => {
    const step = stepOf([match], watermark);
    watermark = Math.max(watermark, match.timeMs);
    return step;
  });
}

describe('event_count', () => {
  it.each([
    ['{ gte: 3 }', (count: number) => count >= 3],
    ['{ gt: 1 }', (count: number) => count > 1],
    ['{ eq: 2 }', (count: number) => count === 2],
    ['{ lt: 3 }', (count: number) => count < 3],
    ['{ neq: 1 }', (count: number) => count !== 1],
    ['{ gte: 2, lte: 4 }', (count: number) => count >= 2 && count <= 4],
  ])(`%s: every order within the lateness gives the episodes of a recount (seed ${seed})`, (condition, meets) => {
    const compiled = ruleSet(correlation(condition));
    const times = fc.array(
      fc.integer({ min: 1, max: 120 }).map((tens) => tens * 10_000),
      { minLength: 1, maxLength: 40 },
    );
    const delays = fc.array(fc.integer({ min: 0, max: LATENESS_MS }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(times, delays, (at, late) => {
        const folds = createFoldSet(compiled);
        const alerts = runSteps(folds, [...shuffledSteps(at, late), stepOf([], FAR)]);
        expect(folds.stats().late).toBe(0);
        expect(episodes(alerts.values())).toEqual(naiveEpisodes(at, meets));
        expect(folds.stats().groups).toBe(0);
      }),
      { seed, numRuns: 400 },
    );
  });

  it('a checkpoint at any point changes nothing', () => {
    const compiled = ruleSet(correlation('{ gte: 3 }'));
    const times = fc.array(
      fc.integer({ min: 1, max: 60 }).map((tens) => tens * 10_000),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(times, fc.nat(30), fc.array(fc.integer({ min: 0, max: LATENESS_MS }), { minLength: 1 }), (at, cutAt, late) => {
        const steps = [...shuffledSteps(at, late), stepOf([], FAR)];
        const whole = createFoldSet(compiled);
        const wanted = steps.map((step) => whole.advance(step));
        const first = createFoldSet(compiled);
        const got = steps.slice(0, cutAt).map((step) => first.advance(step));
        const second = restoreFoldSet(compiled, first.encode());
        expect(second.dropped.size).toBe(0);
        got.push(...steps.slice(cutAt).map((step) => second.foldSet.advance(step)));
        expect(got).toEqual(wanted);
        expect(second.foldSet.stats()).toEqual(whole.stats());
      }),
      { seed, numRuns: 300 },
    );
  });

  it('opens its alert with the event that satisfies it, and says once per step what changed', () => {
    const folds = createFoldSet(ruleSet(correlation('{ gte: 3 }')));
    expect(folds.advance(stepOf([matchAt(1000), matchAt(2000)], 2000))).toEqual([]);
    const [opened, ...others] = folds.advance(stepOf([matchAt(3000), matchAt(3000, { id: 'second' })], 3000));
    expect(others).toEqual([]);
    expect(opened).toMatchObject({
      count: 4,
      firstMs: 1000,
      lastMs: 3000,
      foldRevision: 1,
      severity: 4,
      groupBy: { k: 'x' },
      rule: { id: 'corr', ruleSet: 'rs' },
    });
    expect(opened?.evidence.map((one) => one.eventId)).toEqual(['e1000', 'e2000', 'e3000', 'second']);
    const [grown] = folds.advance(stepOf([matchAt(4000)], 4000));
    expect(grown).toMatchObject({ id: opened?.id, count: 5, foldRevision: 2 });
  });

  it('counts to the millisecond, both ends of the window included', () => {
    const at = (times: readonly number[]): number =>
      runSteps(createFoldSet(ruleSet(correlation('{ gte: 2 }'))), [stepOf(times.map((time) => matchAt(time)))]).size;
    expect(at([1, SPAN_MS + 1])).toBe(1);
    expect(at([1, SPAN_MS + 2])).toBe(0);
  });

  it('leaves out and counts what comes later than the lateness', () => {
    const folds = createFoldSet(ruleSet(correlation('{ gte: 2 }')));
    folds.advance(stepOf([matchAt(200_000)], 200_000));
    expect(folds.advance(stepOf([matchAt(200_000 - LATENESS_MS - 1)]))).toEqual([]);
    expect(folds.stats().late).toBe(1);
    expect(folds.advance(stepOf([matchAt(200_000 - LATENESS_MS)]))).toHaveLength(1);
  });

  it('counts an event once that satisfies two of its rules, and keeps groups apart', () => {
    const folds = createFoldSet(ruleSet(correlation('{ gte: 2 }')));
    const once = matchAt(1000);
    expect(folds.advance(stepOf([once, { ...once }]))).toEqual([]);
    expect(folds.advance(stepOf([matchAt(1001, { group: { k: 'y' } }), matchAt(1002, { group: {} })]))).toEqual([]);
    expect(folds.advance(stepOf([matchAt(1003)]))).toHaveLength(1);
  });

  it('gives the same alerts for the same steps', () => {
    const compiled = ruleSet(correlation('{ gte: 2 }'));
    const steps = shuffledSteps(
      [1, 2, 3, 200, 201, 500].map((tens) => tens * 1000),
      [0, 40_000, 3000],
    );
    const once = steps.map((step) => step.matches);
    const run = (): Match[][] | Alert[] => {
      const folds = createFoldSet(compiled);
      return once.flatMap((matches, index) => folds.advance({ ...(steps[index] as MatchStep), matches }));
    };
    expect(run()).toEqual(run());
  });
});
