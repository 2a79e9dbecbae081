/** `absence` with `without`: against a recount, and what comes late. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { correlations, FAR_MS, type ModelEvent, modelEvents, modelSteps } from '../../test/correlation-model.ts';
import { runSteps, stepOf } from '../../test/fold-steps.ts';
import { createFoldSet } from './fold-set.ts';
import { restoreFoldSet } from './restore-fold-set.ts';

const seed = Number(process.env['TOCSIN_SEED'] ?? Date.now() & 0x7fffffff);
const SPAN_MS = 100_000;
const compiled = correlations({
  corr: { type: 'absence', rules: ['a'], without: ['b'], 'group-by': ['k'], timespan: '100s' } as never,
});
const event = (seconds: number, rule: string, delayMs = 0): ModelEvent => ({
  timeMs: seconds * 1000,
  delayMs,
  rules: [rule],
  fields: { k: 'x' },
});

describe('absence of an answer', () => {
  it(`is every a that no b follows within the timespan (seed ${seed})`, () => {
    fc.assert(
      fc.property(modelEvents(), (events) => {
        // In order of time: what comes late is another test's.
        const timely = events.map((one) => ({ ...one, delayMs: 0 }));
        const alerts = [...runSteps(createFoldSet(compiled), modelSteps(timely)).values()].filter(({ rule }) => rule.id === 'corr');
        const unanswered = timely.filter(
          ({ rules, timeMs, fields }) =>
            rules.includes('a') &&
            !timely.some(
              (other) =>
                other.rules.includes('b') &&
                other.fields['k'] === fields['k'] &&
                other.timeMs >= timeMs &&
                other.timeMs <= timeMs + SPAN_MS,
            ),
        );
        expect(alerts.reduce((sum, alert) => sum + alert.count, 0)).toBe(unanswered.length);
        const groups = (list: readonly (string | undefined)[]): string[] => [...new Set(list.map(String))].sort();
        expect(groups(alerts.map((alert) => alert.groupBy['k']))).toEqual(groups(unanswered.map(({ fields }) => fields['k'])));
      }),
      { seed, numRuns: 300 },
    );
  });

  it('takes an answer that came before what it answers, within the lateness', () => {
    const run = (delayMs: number): number =>
      [...runSteps(createFoldSet(compiled), modelSteps([event(100, 'a', delayMs), event(110, 'b')])).values()].filter(
        ({ rule }) => rule.id === 'corr',
      ).length;
    expect(run(0)).toBe(0);
    expect(run(30_000)).toBe(0);
  });

  it('fires by the watermark alone, and notes an answer that comes after that, once', () => {
    const folds = createFoldSet(compiled);
    const [first] = modelSteps([event(100, 'a')]);
    const [answer] = modelSteps([event(200, 'b')]);
    const answerMatches = answer?.matches ?? [];
    expect(folds.advance(first as never)).toEqual([]);
    expect(folds.advance(stepOf([], 200_000))).toEqual([]);
    const [fired] = folds.advance(stepOf([], 200_001));
    expect(fired).toMatchObject({ count: 1, firstMs: 100_000, lastMs: 100_000, foldRevision: 1, groupBy: { k: 'x' } });
    const restored = restoreFoldSet(compiled, folds.encode()).foldSet;
    for (const set of [folds, restored]) {
      const changed = set.advance(stepOf(answerMatches)).filter(({ rule }) => rule.id === 'corr');
      expect(changed).toHaveLength(1);
      expect(changed[0]).toMatchObject({ id: fired?.id, foldRevision: 2 });
      expect(changed[0]?.explanation).toContainEqual(
        expect.objectContaining({ field: 'answered late', value: new Date(200_000).toISOString() }),
      );
      expect(set.advance(stepOf(answerMatches)).filter(({ rule }) => rule.id === 'corr')).toEqual([]);
      set.advance(stepOf([], FAR_MS));
      expect(set.stats().groups).toBe(0);
    }
  });
});
