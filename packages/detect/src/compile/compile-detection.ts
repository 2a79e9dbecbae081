/** A rule about single events as one function: selections and condition over the event that a view shows. */
import type { Explanation } from '@tocsin/core';
import { type MatchExplainer, matchExplainer } from '../explain/explain-match.ts';
import type { ConditionNode } from '../parse/condition.ts';
import type { DetectionRule, Selection } from '../parse/parsed-rule.ts';
import { compileItem, type EventTest } from './compile-item.ts';
import type { EventView } from './event-view.ts';

/** A rule ready to judge the events that its view shows. */
export interface CompiledDetection {
  readonly rule: DetectionRule;
  readonly test: EventTest;
  /** Which conditions held, on which values; call only when the rule matched. */
  explain(): Explanation[];
}

/** A rule for the events of one log source. It is compiled when it is first asked: of thousands of rules a few dozen ever are. */
export function compileDetection(rule: DetectionRule, view: EventView): CompiledDetection {
  let compiled: EventTest | undefined;
  let explainer: MatchExplainer | undefined;
  return {
    rule,
    test: () => {
      compiled ??= compileRule(rule, view);
      return compiled();
    },
    explain: () => {
      explainer ??= matchExplainer(rule, view);
      return explainer();
    },
  };
}

function compileRule({ selections, condition }: DetectionRule, view: EventView): EventTest {
  return compileCondition(condition, new Map([...selections].map(([name, selection]) => [name, compileSelection(selection, view)])));
}

function compileSelection(selection: Selection, view: EventView): EventTest {
  if (selection.kind === 'item') return compileItem(selection.item, view);
  const tests = selection.parts.map((part) => compileSelection(part, view));
  return selection.kind === 'all' ? allOf(tests) : anyOf(tests);
}

function compileCondition(node: ConditionNode, selections: ReadonlyMap<string, EventTest>): EventTest {
  const testOf = (name: string): EventTest => selections.get(name) as EventTest;
  switch (node.kind) {
    case 'selection':
      return testOf(node.name);
    case 'not': {
      const operand = compileCondition(node.operand, selections);
      return () => !operand();
    }
    case 'and':
      return allOf(node.operands.map((operand) => compileCondition(operand, selections)));
    case 'or':
      return anyOf(node.operands.map((operand) => compileCondition(operand, selections)));
    default:
      return atLeast(node.count, node.names.map(testOf));
  }
}

function allOf(tests: readonly EventTest[]): EventTest {
  const [first, second] = tests as [EventTest, EventTest];
  if (tests.length === 1) return first;
  if (tests.length === 2) return () => first() && second();
  return () => {
    for (const test of tests) if (!test()) return false;
    return true;
  };
}

function anyOf(tests: readonly EventTest[]): EventTest {
  const [first, second] = tests as [EventTest, EventTest];
  if (tests.length === 1) return first;
  if (tests.length === 2) return () => first() || second();
  return () => {
    for (const test of tests) if (test()) return true;
    return false;
  };
}

function atLeast(count: number, tests: readonly EventTest[]): EventTest {
  if (count === 1) return anyOf(tests);
  if (count === tests.length) return allOf(tests);
  return () => {
    let held = 0;
    for (const test of tests) if (test() && ++held === count) return true;
    return false;
  };
}
