import { describe, expect, it } from 'vitest';
import { logSource } from '../test/test-sources.ts';
import { parseRules } from './parse/parse-rules.ts';
import { type RuleTestResult, testRule } from './test-rule.ts';

const RULES = `
title: Base
id: base
name: base
logsource: { product: test }
detection: { s: { Image: x }, condition: s }
tests:
  - { name: hit, event: { Image: x }, expect: match }
  - { name: aliased, event: { NewProcessName: x }, expect: match }
  - { name: wrong, event: { Image: x }, expect: no_match }
  - { name: wrong kind, events: [], expect: { alerts: 0 } }
---
title: Count
id: count
correlation: { type: event_count, rules: [base], group-by: [host], timespan: 1m, condition: { gte: 2 } }
tests:
  - name: two of one host
    events:
      - { time: '2026-01-01T00:00:00Z', event: { Image: x, host: a } }
      - { time: '2026-01-01T00:01:00Z', event: { Image: x, host: a } }
      - { time: '2026-01-01T00:00:00Z', event: { Image: x, host: b } }
    expect: { alerts: 1 }
---
title: Silence
id: silence
correlation: { type: absence, rules: [base], group-by: [host], timespan: 1m }
tests:
  - name: silent by the watermark given
    events: [{ time: '2026-01-01T00:00:00Z', event: { Image: x, host: a } }]
    watermark: '2026-01-01T00:02:00Z'
    expect: { alerts: 1 }
  - name: not yet by the latest event
    events: [{ time: '2026-01-01T00:00:00Z', event: { Image: x, host: a } }]
    expect: { alerts: 0 }
`;

describe('testRule', () => {
  it('runs the tests in a rule file, and fails those that are wrong', () => {
    const { rules } = parseRules([{ path: 'r.yml', text: RULES }]);
    const logSources = [logSource({ aliases: { Image: ['Image', 'NewProcessName'] } })];
    const results = rules.flatMap((rule): RuleTestResult[] => testRule(rule, { rules, logSources }));
    expect(results.filter((result) => !result.passed).map((result) => [result.test, result.detail])).toEqual([
      ['wrong', 'expected no match, got match'],
      ['wrong kind', 'a plain rule is tested with event'],
    ]);
    expect(results).toHaveLength(7);
  });
});
