/**
 * Explains the detection of a rule over the event that a view shows. It is the one place that says why a rule matched: the explanation in
 * an alert is drawn from the same tree (`explanationsOf`). Whether a rule is asked about an event at all is `explain-routing.ts`.
 */
import type { Explanation } from '@tocsin/core';
import type { EventView } from '../compile/event-view.ts';
import type { ConditionNode } from '../parse/condition.ts';
import type { DetectionRule, Selection } from '../parse/parsed-rule.ts';
import { explainLine } from './explain-line.ts';
import type { ExplainedBody, ExplainedCondition, ExplainedLine, ExplainedSelection } from './explained-rule.ts';

/** What is told of a rule. */
export interface ExplainOptions {
  /** Whether to say of what did not hold how near it came; costs several times the judging. */
  readonly misses: boolean;
}

/** The condition tree over the view's event. `held` of its root is whether the rule's condition holds. */
export function explainDetection(rule: DetectionRule, view: EventView, options: ExplainOptions): ExplainedCondition {
  const told = new Map<string, boolean>();
  const explain = (node: ConditionNode): ExplainedCondition => {
    switch (node.kind) {
      case 'selection':
        return explainSelection(node.name);
      case 'not': {
        const part = explain(node.operand);
        return { kind: 'not', held: !part.held, part };
      }
      case 'and':
      case 'or': {
        const parts = node.operands.map(explain);
        return { kind: node.kind, held: node.kind === 'and' ? parts.every(isHeld) : parts.some(isHeld), parts };
      }
      default: {
        const parts = node.names.map(explainSelection);
        return { kind: 'atLeast', held: parts.filter(isHeld).length >= node.count, needed: node.count, parts };
      }
    }
  };
  const explainSelection = (name: string): ExplainedSelection => {
    const known = told.get(name);
    if (known !== undefined) return { kind: 'selection', name, held: known };
    const body = explainBody(rule.selections.get(name) as Selection, view, options);
    told.set(name, body.held);
    return { kind: 'selection', name, held: body.held, body };
  };
  return explain(rule.condition);
}

function isHeld(part: { readonly held: boolean }): boolean {
  return part.held;
}

function explainBody(selection: Selection, view: EventView, options: ExplainOptions): ExplainedBody {
  if (selection.kind === 'item') return explainLine(selection.item, view, options);
  const parts = selection.parts.map((part) => explainBody(part, view, options));
  return { kind: selection.kind, held: selection.kind === 'all' ? parts.every(isHeld) : parts.some(isHeld), parts };
}

const MAX_EXPLANATIONS = 16;
const MAX_VALUES_PER_LINE = 8;
const MAX_CHARS = 256;

/** What an alert says of a match: the lines that held, without what stands under a "not"; at most 16. */
export function explanationsOf(condition: ExplainedCondition): Explanation[] {
  return [...heldSelections(condition)]
    .flatMap(({ name, body }) => (body === undefined ? [] : heldLines(body).flatMap((line) => explanationsOfLine(name, line))))
    .slice(0, MAX_EXPLANATIONS);
}

function* heldSelections(node: ExplainedCondition): Generator<ExplainedSelection> {
  if (node.kind === 'not') return;
  if (node.kind !== 'selection') for (const part of node.parts) yield* heldSelections(part);
  else if (node.held) yield node;
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
