/** The oracle of what an alert says of a match: drawn from the whole explanation of the rule. */
import type { Explanation } from '@tocsin/core';
import type { ExplainedBody, ExplainedCondition, ExplainedLine, ExplainedSelection } from '../src/explain/explained-rule.ts';

const MAX_EXPLANATIONS = 16;
const MAX_VALUES_PER_LINE = 8;
const MAX_CHARS = 256;

/** The lines of the tree that held, without what stands under a "not"; at most 16. */
export function explanationsOf(condition: ExplainedCondition): Explanation[] {
  const bodies = new Map([...selectionsOf(condition, true)].flatMap(({ name, body }) => (body === undefined ? [] : [[name, body]])));
  const names = new Set([...selectionsOf(condition, false)].map(({ name }) => name));
  return [...names]
    .flatMap((name) => heldLines(bodies.get(name) as ExplainedBody).flatMap((line) => explanationsOfLine(name, line)))
    .slice(0, MAX_EXPLANATIONS);
}

/** A body is told where the condition names it first, and that may be under a "not". */
function* selectionsOf(node: ExplainedCondition, isUnderNot: boolean): Generator<ExplainedSelection> {
  if (node.kind === 'selection') yield node;
  else if (node.kind !== 'not') for (const part of node.parts) yield* selectionsOf(part, isUnderNot);
  else if (isUnderNot) yield* selectionsOf(node.part, true);
}

function heldLines(body: ExplainedBody): ExplainedLine[] {
  if (!body.held) return [];
  return body.kind === 'line' ? [body] : body.parts.flatMap(heldLines);
}

function explanationsOfLine(selection: string, line: ExplainedLine): Explanation[] {
  const field = line.field ?? '';
  const modifiers = line.modifiers.filter((modifier) => modifier !== 'all').join('|');
  const patternOf = (shown: string): string => (modifiers === '' ? shown : `${modifiers} ${shown}`);
  const told = line.values.slice(0, MAX_VALUES_PER_LINE);
  const rows = line.negated
    ? [{ value: line.found[0] ?? '', pattern: told.map(({ shown }) => patternOf(shown)).join(', ') }]
    : (line.all ? told : told.slice(0, 1)).map(({ value, shown }) => ({ value: value ?? '', pattern: patternOf(shown) }));
  return rows.map(({ value, pattern }) => ({ selection, field, value, pattern: pattern.slice(0, MAX_CHARS) }));
}
