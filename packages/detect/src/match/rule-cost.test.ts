import { expect, it } from 'vitest';
import { batchOf, logSource } from '../../test/test-sources.ts';
import { compileRules } from '../compile/compile-rules.ts';
import { parseRules } from '../parse/parse-rules.ts';
import { judgeRecords } from './judge-records.ts';
import { RuleCostRecorder } from './rule-cost.ts';

const rule = (id: string, value: string): { path: string; text: string } => ({
  path: `${id}.yml`,
  text: JSON.stringify({ title: id, id, logsource: { product: 'test' }, detection: { s: { f: value }, condition: 's' } }),
});

it('counts what each rule was asked and times a part of it', () => {
  const { rules } = parseRules([rule('a', 'x'), rule('b', 'y')]);
  let clock = 0;
  const cost = new RuleCostRecorder({ nowMs: () => (clock += 1), every: 8 });
  const events = Array.from({ length: 100 }, (_, i) => ({ f: i % 4 === 0 ? 'x' : 'z' }));
  const hits: string[] = [];
  judgeRecords(compileRules(rules, [logSource()]), batchOf(events.map((event) => new TextEncoder().encode(JSON.stringify(event)))), {
    mappingOf: () => 'test',
    fieldsOf: (index) => events[index],
    onHit: ({ detection }) => hits.push(detection.rule.meta.id),
    onRuleError: () => undefined,
    cost,
  });
  const [a, b] = ['a', 'b'].map((id) => cost.costs().find(({ ruleId }) => ruleId === id));
  expect(hits).toHaveLength(25);
  expect(a).toMatchObject({ title: 'a', matches: 25, candidates: 25 });
  // The filter saw that it cannot match: nobody asked it.
  expect(b).toBeUndefined();
  expect(a?.sampled).toBeGreaterThanOrEqual(4);
  // Each timed evaluation took one tick of the clock.
  expect(a?.timeMs).toBe(a?.candidates);
});

it('times the second evaluation of a rule but not its first', () => {
  const { rules } = parseRules([rule('a', 'x')]);
  const [detection] = compileRules(rules, [logSource()]).route('test')?.detections ?? [];
  if (detection === undefined) throw new Error('no rule');
  let clock = 0;
  const cost = new RuleCostRecorder({ nowMs: () => (clock += 5) });
  cost.end(cost.begin(detection), false);
  expect(cost.costs()).toMatchObject([{ candidates: 1, sampled: 0, timeMs: 0 }]);
  cost.end(cost.begin(detection), true);
  expect(cost.costs()).toMatchObject([{ candidates: 2, matches: 1, sampled: 1, timeMs: 10 }]);
});
