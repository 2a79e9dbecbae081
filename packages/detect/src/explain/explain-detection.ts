/**
 * Explains the detection of a rule over the event that a view shows, for people who ask why it matched or did not. The few lines of it that an
 * alert carries are found without the whole tree (`explain-match.ts`). Whether a rule is asked about an event at all is `explain-routing.ts`.
 */
import type { EventView } from '../compile/event-view.ts';
import type { ConditionNode } from '../parse/condition.ts';
import type { DetectionRule, Selection } from '../parse/parsed-rule.ts';
import { explainLine } from './explain-line.ts';
import type { ExplainedBody, ExplainedCondition, ExplainedSelection } from './explained-rule.ts';

/** The condition tree over the view's event. `held` of its root is whether the rule's condition holds. */
export function explainDetection(rule: DetectionRule, view: EventView): ExplainedCondition {
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
    const body = explainBody(rule.selections.get(name) as Selection, view);
    told.set(name, body.held);
    return { kind: 'selection', name, held: body.held, body };
  };
  return explain(rule.condition);
}

function isHeld(part: { readonly held: boolean }): boolean {
  return part.held;
}

function explainBody(selection: Selection, view: EventView): ExplainedBody {
  if (selection.kind === 'item') return explainLine(selection.item, view);
  const parts = selection.parts.map((part) => explainBody(part, view));
  return { kind: selection.kind, held: selection.kind === 'all' ? parts.every(isHeld) : parts.some(isHeld), parts };
}
