/**
 * Keywords as leaves over the whole record as it stands, without decoding it: the stretches of a keyword that JSON can spell in one way
 * only, or with an escape that the scanner looks out for.
 */
import type { ScanCondition } from '@tocsin/core';
import type { ValueTest } from '../parse/item-spec.ts';
import type { PlanBuilder } from './plan-builder.ts';
import { requiredByRegex } from './regex-literals.ts';
import { type RequiredClause, requiredByPattern } from './required-text.ts';

/** Condition that one of the keywords may be there. */
export function planKeywords(tests: readonly ValueTest[], field: number, builder: PlanBuilder): ScanCondition {
  const conditions: ScanCondition[] = [];
  const alone: string[] = [];
  for (const clauses of tests.flatMap(waysOf)) {
    const ways = clauses.map((clause) => clause.map(({ text }) => stretchesOf(text)));
    const [only] = ways.length === 1 && ways[0]?.length === 1 ? ways[0] : [];
    if (only?.length === 1) alone.push(only[0] as string);
    else if (ways.length === 0) conditions.push({ kind: 'maybe' });
    else conditions.push({ kind: 'and', operands: ways.map((texts) => planTexts(texts, field, builder)) });
  }
  return { kind: 'or', operands: alone.length === 0 ? conditions : [leafOf(alone, field, builder), ...conditions] };
}

/** The clauses of each way in which a test can hold. */
function waysOf(test: ValueTest): (readonly RequiredClause[])[] {
  if (test.kind === 'text') return test.patterns.map(requiredByPattern);
  return [test.kind === 'regex' ? requiredByRegex(test.source) : []];
}

/** One of the texts is there: all its stretches. */
function planTexts(texts: readonly (readonly string[])[], field: number, builder: PlanBuilder): ScanCondition {
  const operands = texts.map((stretches): ScanCondition => {
    return stretches.length === 0 ? { kind: 'maybe' } : { kind: 'and', operands: stretches.map((one) => leafOf([one], field, builder)) };
  });
  return { kind: 'or', operands };
}

function leafOf(texts: readonly string[], field: number, builder: PlanBuilder): ScanCondition {
  const needles = [...new Set(texts)].map((text) => ({ anchor: 'inside', text, isSure: false }) as const);
  return { kind: 'leaf', leaf: builder.leaf(field, { needles, triggers: [] }) };
}

const MAX_STRETCHES = 3;

/** Longest stretches of text that stand in JSON as they are, but for escaped quotes and backslashes. */
function stretchesOf(text: string): string[] {
  return (
    text
      // Control characters and the slash have several spellings.
      .split(/[\u0000-\u001f\u007f/]/)
      .filter((stretch) => stretch !== '' && !couldBeNumber(stretch))
      .sort((a, b) => b.length - a.length)
      .slice(0, MAX_STRETCHES)
      .map((stretch) => stretch.replaceAll(/["\\]/g, String.raw`\$&`))
  );
}

/** Numbers are written in JSON otherwise than as text: 1e3, and 1e999 is Infinity. */
function couldBeNumber(stretch: string): boolean {
  return /^[0-9e.+-]*$/.test(stretch) || 'infinity'.includes(stretch);
}
