/** Every type of correlation against a recount of all windows, whatever the order of arrival. */
import type { Alert, MatchStep } from '@tocsin/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { correlations, FAR_MS, hitsOfEvents, modelEvents, modelSteps, showAlerts, showFound } from '../../test/correlation-model.ts';
import { runSteps } from '../../test/fold-steps.ts';
import { type Hit, hitsOf, recount, type Section } from '../../test/oracle/correlations.ts';
import { createFoldSet } from './fold-set.ts';
import { restoreFoldSet } from './restore-fold-set.ts';

const seed = Number(process.env['TOCSIN_SEED'] ?? Date.now() & 0x7fffffff);
const over = (type: string, rest: Partial<Section>): Section => ({ type, rules: ['a', 'b'], 'group-by': ['k'], timespan: '100s', ...rest });

const sections: readonly Section[] = [
  over('event_count', { condition: { gte: 3 } }),
  over('event_count', { condition: { gt: 1, lte: 4 } }),
  over('event_count', { condition: { gte: 3 }, 'group-by': ['k', 'w'] }),
  over('event_count', { condition: { gte: 3 }, 'group-by': [] }),
  over('event_count', { condition: { gte: 3 }, suppress: '200s' }),
  over('event_count', { condition: { eq: 2 }, suppress: '150s' }),
  over('event_count', { condition: { gte: 4 }, window: 'session', timespan: '20s' }),
  over('event_count', { condition: { neq: 2 }, window: 'session', timespan: '30s' }),
  over('value_count', { condition: { field: 'v', gte: 3 } }),
  over('value_count', { condition: { field: ['v', 'w'], gt: 3 } }),
  over('value_count', { condition: { field: 'v', lt: 3 } }),
  over('value_count', { condition: { field: 'v', gte: 3 }, window: 'session', timespan: '30s' }),
  over('temporal', {}),
  over('temporal', { rules: ['a', 'b', 'c'], timespan: '30s' }),
  over('temporal', { rules: ['a', 'b', 'c'], condition: { gte: 2 }, timespan: '20s' }),
  over('temporal', { rules: ['a', 'b', 'c'], condition: { eq: 2 }, timespan: '20s' }),
  over('temporal', { rules: ['a', 'b', 'c'], condition: '(a or b) and c', timespan: '30s' }),
  over('temporal', { rules: ['a', 'b', 'c'], condition: 'a and not (b or c)', timespan: '30s' }),
  over('temporal', { rules: ['a', 'b', 'c'], condition: '2 of them', timespan: '30s' }),
  over('temporal_ordered', {}),
  over('temporal_ordered', { rules: ['c', 'a', 'b'], timespan: '50s' }),
  over('temporal_ordered', { rules: ['c', 'a', 'b'], timespan: '50s', window: 'session', suppress: '60s' }),
  over('temporal_ordered', { rules: ['c', 'a', 'b'], condition: { gte: 2 }, timespan: '30s' }),
  over('temporal_ordered', { rules: ['c', 'a', 'b'], condition: { eq: 1 }, timespan: '30s' }),
  over('temporal_ordered', { rules: ['c', 'a', 'b'], condition: 'c and not a and b', timespan: '30s' }),
  over('temporal_ordered', { rules: ['c', 'a', 'b'], condition: '(c or b) and a', timespan: '30s' }),
  over('value_sum', { condition: { field: 'v', gt: 40 } }),
  over('value_sum', { condition: { field: 'v', lte: 1.75 } }),
  over('value_avg', { condition: { field: 'v', gte: 2, lt: 20 } }),
  over('value_avg', { condition: { field: 'v', lte: 1 }, window: 'session', timespan: '30s' }),
  over('value_percentile', { condition: { field: 'v', percentile: 90, gt: 30 } }),
  over('value_percentile', { condition: { field: 'v', percentile: 25, lte: 0.25 } }),
  over('value_median', { condition: { field: 'v', eq: 2 } }),
  over('value_median', { condition: { field: 'v', gt: 2 }, window: 'session', timespan: '30s' }),
];

describe('correlations', () => {
  it.each(sections.map((section) => [JSON.stringify(section), section] as const))(
    `%s is as a recount has it (seed ${seed})`,
    (_, section) => {
      const compiled = correlations({ corr: section });
      fc.assert(
        fc.property(modelEvents(), (events) => {
          const folds = createFoldSet(compiled);
          const alerts = runSteps(folds, modelSteps(events));
          const wanted = recount(section, hitsOfEvents(events));
          expect(showAlerts(alerts.values(), 'corr')).toEqual(showFound(wanted.episodes));
          expect(folds.heldEvents().get('corr') ?? 0).toBe(wanted.held.reduce((sum, one) => sum + one.events, 0));
          expect(folds.stats()).toMatchObject({ late: 0, groups: 0, bytes: 0 });
        }),
        { seed, numRuns: 150 },
      );
    },
  );

  it.each(sections.map((section) => [JSON.stringify(section), section] as const))(
    `%s goes on from a checkpoint (seed ${seed})`,
    (_, section) => {
      const compiled = correlations({ corr: section });
      fc.assert(
        fc.property(modelEvents(25), fc.nat(25), (events, cutAt) => {
          const steps = modelSteps(events);
          const whole = createFoldSet(compiled);
          const wanted = steps.map((step) => whole.advance(step));
          const first = createFoldSet(compiled);
          const got = steps.slice(0, cutAt).map((step) => first.advance(step));
          const second = restoreFoldSet(compiled, first.encode());
          expect(second.dropped.size).toBe(0);
          got.push(...steps.slice(cutAt).map((step) => second.foldSet.advance(step)));
          // Which of several groups a watermark settles first is nobody's affair.
          expect(got.map(byId)).toEqual(wanted.map(byId));
        }),
        { seed, numRuns: 30 },
      );
    },
  );
});

function byId(alerts: readonly Alert[]): Alert[] {
  return alerts.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

describe('chains of correlations', () => {
  const burst = over('event_count', { rules: ['a'], condition: { gte: 3 } });
  const odd = over('event_count', { rules: ['a'], condition: { eq: 2 } });
  const chains: readonly [string, Section, Section, 'held' | 'episode'][] = [
    ['a burst, then b', burst, over('temporal_ordered', { rules: ['low', 'b'], timespan: '60s' }), 'held'],
    ['a burst with b', burst, over('temporal', { rules: ['low', 'b'], timespan: '60s' }), 'held'],
    ['no burst with b', odd, over('temporal', { rules: ['low', 'b'], condition: 'b and not low', timespan: '60s' }), 'held'],
    ['what is settled late, then b', odd, over('temporal_ordered', { rules: ['low', 'b'], timespan: '60s' }), 'held'],
    ['several of what is settled late', odd, over('event_count', { rules: ['low'], condition: { gte: 2 }, timespan: '300s' }), 'episode'],
    ['several groups', odd, over('value_count', { rules: ['low'], 'group-by': [], condition: { field: 'k', gte: 2 } }), 'episode'],
  ];

  it.each(chains)(`%s is as a recount has it (seed ${seed})`, (_, low, high, each) => {
    const compiled = correlations({ low, high });
    fc.assert(
      fc.property(modelEvents(), (events) => {
        const hits = hitsOfEvents(events);
        const lowHits: Hit[] = hitsOf('low', low, recount(low, hits), each);
        const alerts = runSteps(createFoldSet(compiled), modelSteps(events));
        expect(showAlerts(alerts.values(), 'high')).toEqual(showFound(recount(high, [...hits, ...lowHits]).episodes));
      }),
      { seed, numRuns: 150 },
    );
  });

  it('carries values from below that the correlation does not group by itself', () => {
    const compiled = correlations({
      low: over('event_count', { rules: ['a'], 'group-by': ['w'], condition: { gte: 2 } }),
      high: over('temporal_ordered', { rules: ['low', 'b'], 'group-by': ['k'] }),
    });
    const at = (seconds: number, rule: string, fields: Record<string, string>) => ({
      timeMs: seconds * 1000,
      delayMs: 0,
      rules: [rule],
      fields,
    });
    const steps = modelSteps([at(10, 'a', { k: 'bob', w: 'h1' }), at(20, 'a', { k: 'bob', w: 'h1' }), at(30, 'b', { k: 'bob', w: 'h2' })]);
    const [alert, ...others] = runSteps(createFoldSet(compiled), steps).values();
    expect(others).toEqual([]);
    expect(alert).toMatchObject({ rule: { id: 'high' }, groupBy: { k: 'bob' }, count: 2, firstMs: 20_000, lastMs: 30_000 });
    expect(alert?.evidence.map((one) => one.eventId)).toEqual(['e1', 'e2']);
    expect(alert?.causation[0]).toMatch(/^[0-9a-f]{32}$/);
  });

  it('raises alerts of the correlation below only where that is asked for', () => {
    const low = over('event_count', { rules: ['a'], condition: { gte: 1 } });
    const high = { ...over('event_count', { rules: ['low'], condition: { gte: 1 } }), generate: true };
    const steps: MatchStep[] = modelSteps([{ timeMs: 10_000, delayMs: 0, rules: ['a'], fields: { k: 'x' } }]);
    const raised = (section: Section): string[] =>
      [...runSteps(createFoldSet(correlations({ low, high: section })), steps).values()].map((alert) => alert.rule.id).sort();
    expect(raised(high)).toEqual(['high', 'low']);
    expect(raised({ ...high, generate: false } as Section)).toEqual(['high']);
    expect(FAR_MS).toBeGreaterThan(0);
  });
});
