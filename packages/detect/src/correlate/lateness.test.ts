/** Allowed lateness as a setting: within it the order of arrival says nothing, beyond it events are left out and counted. */
import type { Alert } from '@tocsin/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchAt, runSteps, stepOf } from '../../test/fold-steps.ts';
import { logSource } from '../../test/test-sources.ts';
import { compileRules } from '../compile/compile-rules.ts';
import type { CompiledRules } from '../compile/compiled-rules.ts';
import { parseRules } from '../parse/parse-rules.ts';
import { createFoldSet } from './fold-set.ts';

const seed = Number(process.env['TOCSIN_SEED'] ?? Date.now() & 0x7fffffff);
const FAR_MS = 1e9;
const kinds = [
  '{ type: event_count, rules: [base], group-by: [k], timespan: 100s, condition: { gte: 3 } }',
  '{ type: event_count, rules: [base], group-by: [k], timespan: 100s, condition: { gte: 3 }, suppress: 50s }',
  '{ type: value_count, rules: [base], group-by: [k], timespan: 100s, condition: { field: v, gte: 2 } }',
  '{ type: value_count, rules: [base], group-by: [k], timespan: 100s, condition: { field: v, lt: 2 } }',
];

function rulesWith(correlation: string, latenessMs: number): CompiledRules {
  const base = 'title: Base\nid: base\nname: base\nlogsource: { product: test }\ndetection: { s: { a: 1 }, condition: s }\n';
  const { rules } = parseRules([{ path: 'r.yml', text: `${base}---\ntitle: C\nid: corr\ncorrelation: ${correlation}\n` }]);
  return compileRules(rules, [logSource()], { latenessMs });
}

/** Rule, key and episode of every alert: what must not depend on the order of arrival. */
function found(alerts: Iterable<Alert>): string[] {
  return [...alerts].map(({ rule, groupBy, firstMs, lastMs, count }) => `${rule.id} ${groupBy['k']} ${firstMs}-${lastMs} ${count}`).sort();
}

const event = fc.record({
  timeMs: fc.integer({ min: 1, max: 200 }).map((fives) => fives * 5000),
  delay: fc.double({ min: 0, max: 1, noNaN: true }),
  group: fc.record({ k: fc.constantFrom('x', 'y'), v: fc.constantFrom('1', '2', '3') }, { requiredKeys: ['k', 'v'] }),
});

describe.each([5000, 60_000, 300_000])('events up to %i ms behind', (latenessMs) => {
  it.each(kinds)(`%s: the same alerts as in order (seed ${seed})`, (kind) => {
    const compiled = rulesWith(kind, latenessMs);
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 40 }), (events) => {
        const run = (delayed: boolean): string[] => {
          const arriving = events
            .map((one, index) => ({ ...one, index, atMs: one.timeMs + (delayed ? Math.floor(one.delay * latenessMs) : 0) }))
            .sort((a, b) => a.atMs - b.atMs);
          const folds = createFoldSet(compiled);
          let watermarkMs = 0;
          const steps = arriving.map(({ timeMs, group, index }) => {
            const step = stepOf([matchAt(timeMs, { group, id: `e${index}` })], watermarkMs);
            watermarkMs = Math.max(watermarkMs, timeMs);
            return step;
          });
          const alerts = found(runSteps(folds, [...steps, stepOf([], FAR_MS)]).values());
          expect(folds.stats()).toMatchObject({ late: 0, groups: 0 });
          return alerts;
        };
        expect(run(true)).toEqual(run(false));
      }),
      { seed, numRuns: 60 },
    );
  });

  it('later ones are left out and counted', () => {
    const folds = createFoldSet(rulesWith(kinds[0] as string, latenessMs));
    folds.advance(stepOf([matchAt(1_000_000)], 1_000_000));
    folds.advance(stepOf([matchAt(1_000_000 - latenessMs), matchAt(1_000_000 - latenessMs - 1)]));
    expect(folds.stats()).toMatchObject({ late: 1 });
  });
});
