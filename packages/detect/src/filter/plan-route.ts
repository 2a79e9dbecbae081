/**
 * The plan of a route: each of its rules as a condition over leaves that the scanner can decide, or cannot tell. What a rule means is
 * said in `compile/`; here is only what must be true of the bytes for that to hold, and what alone makes it hold.
 */
import type { ScanCondition, ScanPlan } from '@tocsin/core';
import type { RoutePart } from '../compile/compiled-rules.ts';
import type { ConditionNode } from '../parse/condition.ts';
import type { ItemSpec, ValueTest } from '../parse/item-spec.ts';
import type { DetectionRule, Selection } from '../parse/parsed-rule.ts';
import { PlanBuilder } from './plan-builder.ts';
import { planKeywords } from './plan-keywords.ts';
import { planClauses, planTexts } from './plan-texts.ts';
import { requiredByRegex } from './regex-literals.ts';
import { textsOfRegex } from './regex-texts.ts';

/** Plan for the rules of a part, in their order. */
export function planRoute({ logSource, rules: planned }: RoutePart): ScanPlan {
  const builder = new PlanBuilder(logSource);
  const rules = planned.map((rule) => planRule(rule, builder));
  const { fields, leaves, needles, triggers } = builder;
  return { fields, unusualKeys: logSource.jsonObjects?.unless ?? [], leaves, needles, triggers, rules };
}

function planRule(rule: DetectionRule, builder: PlanBuilder): ScanCondition {
  const selections = new Map([...rule.selections].map(([name, selection]) => [name, planSelection(selection, builder)]));
  return planCondition(rule.condition, selections);
}

function planCondition(node: ConditionNode, selections: ReadonlyMap<string, ScanCondition>): ScanCondition {
  const of = (name: string): ScanCondition => selections.get(name) ?? MAYBE;
  switch (node.kind) {
    case 'selection':
      return of(node.name);
    case 'not':
      return { kind: 'not', operand: planCondition(node.operand, selections) };
    case 'and':
    case 'or':
      return { kind: node.kind, operands: node.operands.map((operand) => planCondition(operand, selections)) };
    case 'atLeast':
      return { kind: 'atLeast', count: node.count, operands: node.names.map(of) };
    default:
      return MAYBE;
  }
}

function planSelection(selection: Selection, builder: PlanBuilder): ScanCondition {
  if (selection.kind === 'item') return planItem(selection.item, builder);
  if (selection.kind !== 'all' && selection.kind !== 'any') return MAYBE;
  return { kind: selection.kind === 'all' ? 'and' : 'or', operands: selection.parts.map((part) => planSelection(part, builder)) };
}

function planItem(item: ItemSpec, builder: PlanBuilder): ScanCondition {
  const tests = item.values.map(({ test }) => test);
  const held = planTests(item, item.all ? tests.map((test) => [test]) : [tests], builder);
  return item.negated ? { kind: 'not', operand: held } : held;
}

/** Groups of tests that all must hold; of a group, one. */
function planTests(item: ItemSpec, groups: readonly (readonly ValueTest[])[], builder: PlanBuilder): ScanCondition {
  const field = builder.field(item.field);
  if (field === undefined) return MAYBE;
  const planned = groups.map((tests): ScanCondition => {
    if (item.field === undefined) return planKeywords(tests, field, builder);
    const texts = tests.filter((test) => test.kind === 'text');
    const others = tests.filter((test) => test.kind !== 'text').map((test) => planOther(test, field, builder));
    return join('or', texts.length === 0 ? others : [planTexts(texts, field, builder), ...others]);
  });
  return join('and', planned);
}

function planOther(test: Exclude<ValueTest, { kind: 'text' }>, field: number, builder: PlanBuilder): ScanCondition {
  switch (test.kind) {
    case 'null':
      return { kind: 'null', field };
    case 'exists':
      return test.expected ? { kind: 'exists', field } : { kind: 'not', operand: { kind: 'exists', field } };
    case 'placeholder':
      return { kind: 'never' };
    case 'regex':
      return planRegex(test, field, builder);
    case 'number':
    case 'cidr':
      return anyValue(field, builder);
    case 'fieldref': {
      const other = builder.field(test.field);
      return other === undefined ? MAYBE : join('and', [anyValue(field, builder), anyValue(other, builder)]);
    }
    default:
      return MAYBE;
  }
}

/** Expressions that are texts are decided; of others the text that a match must contain is looked for. */
function planRegex({ source, flags }: Extract<ValueTest, { kind: 'regex' }>, field: number, builder: PlanBuilder): ScanCondition {
  const texts = textsOfRegex(source, flags);
  if (texts === undefined) return planClauses(requiredByRegex(source), field, builder);
  return { kind: 'leaf', leaf: builder.leaf(field, { needles: texts.map((text) => ({ ...text, isSure: true })), triggers: [] }) };
}

/** Cannot tell, where there is a value at all. */
function anyValue(field: number, builder: PlanBuilder): ScanCondition {
  return { kind: 'leaf', leaf: builder.leaf(field, { needles: [], triggers: [{ on: 'value', isSure: false }] }) };
}

function join(kind: 'and' | 'or', operands: readonly ScanCondition[]): ScanCondition {
  return operands.length === 1 ? (operands[0] as ScanCondition) : { kind, operands };
}

const MAYBE: ScanCondition = { kind: 'maybe' };
