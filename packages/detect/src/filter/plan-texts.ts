/** Text tests of a field as leaves: plain literals that decide, and of all other patterns the text that a match must contain. */
import type { NeedleAnchor, ScanCondition } from '@tocsin/core';
import { foldCase } from '../compile/event-view.ts';
import type { ValueTest } from '../parse/item-spec.ts';
import type { TextPattern } from '../parse/text-pattern.ts';
import type { LeafSpec, PlanBuilder } from './plan-builder.ts';
import { isAscii, type RequiredClause, requiredByPattern } from './required-text.ts';

type TextTest = Extract<ValueTest, { kind: 'text' }>;

/** Condition that one of the tests holds. */
export function planTexts(tests: readonly TextTest[], field: number, builder: PlanBuilder): ScanCondition {
  const needles: LeafSpec['needles'][number][] = [];
  const triggers = new Map<string, LeafSpec['triggers'][number]>();
  const general: ScanCondition[] = [];
  for (const { pattern, cased } of tests.flatMap(({ patterns, cased }) => patterns.map((pattern) => ({ pattern, cased })))) {
    const simple = simpleLeaf(pattern, cased);
    if (simple === undefined) general.push(planClauses(requiredByPattern(pattern), field, builder));
    needles.push(...(simple?.needles ?? []));
    for (const trigger of simple?.triggers ?? []) triggers.set(`${trigger.on} ${trigger.isSure}`, trigger);
  }
  if (needles.length === 0 && triggers.size === 0) return joinOr(general);
  return joinOr([{ kind: 'leaf', leaf: builder.leaf(field, { needles, triggers: [...triggers.values()] }) }, ...general]);
}

/** Condition that every clause is satisfied; without clauses, that there is a value. */
export function planClauses(clauses: readonly RequiredClause[], field: number, builder: PlanBuilder): ScanCondition {
  const leaves = clauses.map((clause): ScanCondition => {
    const needles = clause.map(({ anchor, text }) => ({ anchor, text, isSure: false }));
    return { kind: 'leaf', leaf: builder.leaf(field, { needles, triggers: [] }) };
  });
  if (leaves.length > 0) return leaves.length === 1 ? (leaves[0] as ScanCondition) : { kind: 'and', operands: leaves };
  return { kind: 'leaf', leaf: builder.leaf(field, { needles: [], triggers: [{ on: 'value', isSure: false }] }) };
}

const MAX_DASHES = 2;
const ANY_VALUE: LeafSpec = { needles: [], triggers: [{ on: 'value', isSure: true }] };
const WIDE_VALUE: LeafSpec = { needles: [], triggers: [{ on: 'wide', isSure: false }] };

/** What a literal with wildcards at its ends alone asks for; undefined for other patterns. */
function simpleLeaf(pattern: TextPattern, cased: boolean): LeafSpec | undefined {
  const from = pattern.findIndex(({ kind }) => kind !== 'any');
  if (from < 0) return pattern.length === 0 ? { needles: [{ anchor: 'exact', text: '', isSure: true }], triggers: [] } : ANY_VALUE;
  const to = pattern.findLastIndex(({ kind }) => kind !== 'any') + 1;
  const inner = pattern.slice(from, to);
  const dashes = inner.filter(({ kind }) => kind === 'dash').length;
  if (dashes > MAX_DASHES || inner.some(({ kind }) => kind === 'any' || kind === 'one')) return undefined;
  const anchor = from > 0 ? (to < pattern.length ? 'inside' : 'suffix') : to < pattern.length ? 'prefix' : 'exact';
  return literalLeaf(inner, anchor, { cased, dashes });
}

function literalLeaf(inner: TextPattern, anchor: NeedleAnchor, { cased, dashes }: { cased: boolean; dashes: number }): LeafSpec {
  const own = inner.map((token) => (token.kind === 'char' ? token.char : '-')).join('');
  const folded = foldCase(own);
  // A value that is all ASCII cannot contain it, whatever its case.
  if (!isAscii(folded)) return WIDE_VALUE;
  const hasCase = cased && /[a-z]/.test(folded);
  // A byte by itself is only looked for once in a value.
  if (hasCase && dashes === 0 && own.length > 1) return { needles: [{ anchor, text: own, isCased: true, isSure: true }], triggers: [] };
  const needles = dashVariants(inner).map((text) => ({ anchor, text, isSure: !hasCase }));
  return { needles, triggers: dashes === 0 ? [] : [{ on: 'dash', isSure: false }] };
}

/** Texts of a literal with each dash as hyphen and as slash; the other dashes are beyond ASCII. */
function dashVariants(inner: TextPattern): string[] {
  let texts = [''];
  for (const token of inner) {
    texts =
      token.kind === 'dash'
        ? texts.flatMap((text) => [`${text}-`, `${text}/`])
        : texts.map((text) => text + (token.kind === 'char' ? foldCase(token.char) : ''));
  }
  return texts;
}

function joinOr(operands: readonly ScanCondition[]): ScanCondition {
  return operands.length === 1 ? (operands[0] as ScanCondition) : { kind: 'or', operands };
}
