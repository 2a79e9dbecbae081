import { sha256Hex } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { frameOf, logSource, position, type TestEvent } from '../../test/test-sources.ts';
import { compileRules } from '../compile/compile-rules.ts';
import type { CompiledRules } from '../compile/compiled-rules.ts';
import { parseRules } from '../parse/parse-rules.ts';
import { type MatchFrameOptions, matchFrame } from './match-frame.ts';

const RULES = `
title: One
id: one
name: one
logsource: { product: test }
detection: { sel: { a|contains: x }, filter: { b: 1 }, condition: sel and not filter }
---
title: Other
id: other
logsource: { product: test, service: special }
detection: { sel: { a: '*' }, condition: sel }
---
title: Count
id: count
correlation: { type: event_count, rules: [one], group-by: [user.name, who], aliases: { who: { one: a } }, timespan: 1m, condition: { gte: 2 } }
`;

function compile(): CompiledRules {
  const { rules, refused } = parseRules([{ path: 'r.yml', text: RULES }]);
  expect(refused).toEqual([]);
  return compileRules(rules, [
    logSource(),
    logSource({ mapping: 'special', services: ['special'] }),
    logSource({ mapping: 'elsewhere', product: 'other' }),
  ]);
}

function run(events: readonly TestEvent[], options: Partial<MatchFrameOptions> = {}): ReturnType<typeof matchFrame> {
  return matchFrame(compile(), frameOf(events), position('p1'), { fieldsOf: (_frame, index) => events[index]?.fields, ...options });
}

describe('matchFrame', () => {
  it('says what matched, on which values, with evidence, group values and entities', () => {
    const [match, ...others] = run([
      { fields: { a: 'AXE', user: { name: 'bob' } }, attributes: { 'actor.user.name': 'bob', 'device.hostname': 'H1' } },
    ]);
    expect(others).toEqual([]);
    expect(match).toMatchObject({
      ruleId: 'one',
      tenant: 'acme',
      timeMs: 1000,
      receivedMs: 5000,
      explanation: [{ selection: 'sel', field: 'a', value: 'AXE', pattern: 'contains x' }],
      group: { 'user.name': 'bob', a: 'AXE' },
      entities: [
        { kind: 'host', value: 'H1' },
        { kind: 'user', value: 'bob' },
      ],
    });
    const record = '{"a":"AXE","user":{"name":"bob"}}';
    expect(match?.evidence).toEqual({
      source: 'src',
      eventId: 'e0',
      timeMs: 1000,
      sha256: sha256Hex(record),
      at: { position: 'p1', index: 0 },
      excerpt: record,
    });
  });

  it('routes by log source and passes over what it is told to', () => {
    const events = [
      { fields: { a: 'y' }, mapping: 'special' },
      { fields: { a: 'x' }, mapping: 'elsewhere' },
      { fields: { a: 'x' }, mapping: 'unheard' },
      { fields: { a: 'x' } },
    ];
    expect(run(events).map((match) => [match.ruleId, match.evidence.at.index])).toEqual([
      ['other', 0],
      ['one', 3],
    ]);
    expect(run(events, { skip: (index) => index === 0 }).map((match) => match.ruleId)).toEqual(['one']);
  });

  it('groups by the source where no entity attribute is there', () => {
    expect(run([{ fields: { a: 'x' } }])[0]?.entities).toEqual([{ kind: 'source', value: 'src' }]);
  });

  it('carries excerpts for the first matches per rule and entity, cut between characters', () => {
    const fields = { a: `x${'é'.repeat(5000)}` };
    const found = run([{ fields }, { fields }, { fields }, { fields }, { fields, attributes: { 'device.hostname': 'H2' } }]);
    expect(found.map((match) => match.evidence.excerpt !== undefined)).toEqual([true, true, true, false, true]);
    expect(found[0]?.evidence.excerpt).toMatch(/^\{"a":"xé+$/);
    expect(found[0]?.explanation[0]?.value).toHaveLength(256);
    expect(new Set(found.map((match) => match.evidence.sha256)).size).toBe(1);
  });

  it('keeps what a rule throws to that rule and event', () => {
    const hostile = new Proxy(
      { a: 'x' },
      {
        getOwnPropertyDescriptor: () => {
          throw new Error('boom');
        },
      },
    );
    const errors: string[] = [];
    const fine = { a: 'x' };
    const found = run([{ fields: fine, mapping: 'special' }, { fields: fine }], {
      fieldsOf: (_frame, index) => (index === 0 ? hostile : fine),
      onRuleError: (error) => errors.push(`${error.ruleId} ${error.at.index} ${String(error.cause)}`),
    });
    expect(errors).toEqual(['one 0 Error: boom', 'other 0 Error: boom']);
    expect(found.map((match) => match.ruleId)).toEqual(['one']);
  });

  it('has a hash that follows content and not order', () => {
    const { rules } = parseRules([{ path: 'r.yml', text: RULES }]);
    const hash = (reversed: boolean, product = 'test'): string =>
      compileRules(reversed ? [...rules].reverse() : rules, [logSource({ product })]).ruleSetHash;
    expect(hash(true)).toBe(hash(false));
    expect(hash(false, 'else')).not.toBe(hash(false));
  });

  it('lists rules that cannot fire, and why', () => {
    const { rules } = parseRules([{ path: 'r.yml', text: RULES.replace("a: '*'", "a|expand: '%names%'") }]);
    expect(compileRules(rules, [logSource({ product: 'else' })]).inactive).toEqual([
      { ruleId: 'one', title: 'One', reason: 'no_log_source', detail: 'product: test' },
      { ruleId: 'other', title: 'Other', reason: 'needs_values', detail: 'names' },
    ]);
  });
});
