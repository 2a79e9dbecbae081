/**
 * Keywords as leaves over the whole record as it stands, without decoding it: the longest stretch of a keyword that JSON can spell in one
 * way only, or with an escape that the scanner looks out for.
 */
import type { ScanCondition } from '@tocsin/core';
import type { ValueTest } from '../parse/item-spec.ts';
import type { PlanBuilder } from './plan-builder.ts';
import { requiredByRegex } from './regex-literals.ts';
import { type RequiredClause, requiredByPattern } from './required-text.ts';

/** Condition that one of the keywords may be there. */
export function planKeywords(tests: readonly ValueTest[], field: number, builder: PlanBuilder): ScanCondition {
  const clauses = tests.flatMap(clausesOf);
  const stretches = clauses.map((clause) => clause?.map(({ text }) => spelledStretch(text)));
  if (stretches.some((one) => one === undefined || one.length === 0 || one.includes(undefined))) return { kind: 'maybe' };
  const texts = stretches.flatMap((one) => one ?? []).filter((text) => text !== undefined);
  const needles = [...new Set(texts)].map((text) => ({ anchor: 'inside', text, isSure: false }) as const);
  return { kind: 'leaf', leaf: builder.leaf(field, { needles, triggers: [] }) };
}

/** The clause that tells most of each way in which a test can hold; undefined where one has none. */
function clausesOf(test: ValueTest): (RequiredClause | undefined)[] {
  if (test.kind === 'text') return test.patterns.map((pattern) => requiredByPattern(pattern)[0]);
  return [test.kind === 'regex' ? requiredByRegex(test.source)[0] : undefined];
}

/** Longest stretch of text that stands in JSON as it is, but for escaped quotes and backslashes; undefined where a number could hold it. */
function spelledStretch(text: string): string | undefined {
  const stretch = text
    // Control characters and the slash have several spellings.
    .split(/[\u0000-\u001f\u007f/]/)
    .reduce((best, one) => (one.length > best.length ? one : best), '');
  // Numbers are written in JSON otherwise than as text: 1e3, and 1e999 is Infinity.
  if (/^[0-9e.+-]*$/.test(stretch) || 'infinity'.includes(stretch)) return undefined;
  return stretch.replaceAll(/["\\]/g, String.raw`\$&`);
}
