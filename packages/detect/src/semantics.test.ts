/** The choices that Sigma leaves open: engine and oracle hold them alike, and `docs/reference/sigma.md` names each of them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { evaluateRule, type OracleEvent, OracleRefusal, type Rule } from '../test/oracle/evaluate.ts';
import { choices, type Example } from '../test/semantics.data.ts';
import { logSource } from '../test/test-sources.ts';
import { compileDetection } from './compile/compile-detection.ts';
import { EventView } from './compile/event-view.ts';
import { parseRules } from './parse/parse-rules.ts';
import type { DetectionRule } from './parse/parsed-rule.ts';

const placeholders = { known: ['srv*'] };
const root = join(import.meta.dirname, '../../..');

describe.each(Object.entries(choices))('%s', (_, examples) => {
  it.each(examples.map((example) => [JSON.stringify(example), example] as const))('%s', (_shown, example) => {
    const detection = detectionOf(example);
    const { rule, code } = read(detection);
    if ('refused' in example) {
      expect(code).toBe(example.refused);
      return;
    }
    expect(code).toBeUndefined();
    const view = new EventView(logSource());
    view.show(example.event as OracleEvent);
    expect(compileDetection(rule as DetectionRule, view).test()).toBe(example.matches);
    expect(evaluateRule({ title: 't', detection } as Rule, example.event as OracleEvent, { placeholders })).toBe(example.matches);
  });
});

describe('docs/reference/sigma.md', () => {
  const page = readFileSync(join(root, 'docs/reference/sigma.md'), 'utf8');

  it('names every choice once, and no choice that is not held by an example', () => {
    const named = [...page.matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map((found) => found[1]);
    expect(named.toSorted()).toEqual(Object.keys(choices).toSorted());
  });

  it('refers to tests that are there', () => {
    const references = [...page.matchAll(/\[([^\]]+)\]\(\.\.\/\.\.\/(packages\/[^)]+\.test\.ts)\)/g)];
    expect(references.length).toBeGreaterThan(10);
    for (const [, name = '', file = ''] of references) expect(readFileSync(join(root, file), 'utf8'), `${file}: ${name}`).toContain(name);
  });
});

function detectionOf(example: Example): Rule['detection'] {
  const detection = 'line' in example ? { s: { [example.line[0]]: example.line[1] }, condition: 's' } : example.detection;
  return JSON.parse(JSON.stringify(detection)) as Rule['detection'];
}

function read(detection: object): { rule: DetectionRule | undefined; code: string | undefined } {
  const text = JSON.stringify({ title: 't', logsource: { product: 'test' }, detection });
  const { rules, refused } = parseRules([{ path: 'r.yml', text }], { placeholders: new Map(Object.entries(placeholders)) });
  const rule = rules[0];
  return { rule: rule?.kind === 'detection' ? rule : undefined, code: refused[0]?.error.code };
}

describe('the oracle', () => {
  it('refuses, and never guesses, what it does not know', () => {
    const line = (key: string, value: string): Rule => ({
      title: 't',
      detection: { s: { [key]: value }, condition: 's' } as Rule['detection'],
    });
    expect(() => evaluateRule(line('F|nonsense', 'a'), { F: 'a' })).toThrow(OracleRefusal);
    expect(() => evaluateRule(line('F|expand', '%unknown%'), { F: 'a' })).toThrow(OracleRefusal);
  });
});
