/** Which rules have matched (`temporal`): how many of them, or an expression over them. A payload is a set of rules as bits. */
import type { ConditionNode } from '../../parse/condition.ts';
import type { CorrelationRule } from '../../parse/parsed-rule.ts';
import { isMonotone, limitTest } from './limit-test.ts';
import type { Measure, MeasureKind } from './measure.ts';

/** A test of a set of rules, given as bits in the order of the references. */
export type RuleSetTest = (rules: number) => boolean;

/** Looks at the rules that matched in the window, in whatever order. */
export function rulesMeasure(rule: CorrelationRule): MeasureKind {
  const meets = ruleSetTest(rule);
  const monotone = rule.expression === undefined ? isMonotone(rule.condition) : !negates(rule.expression);
  return {
    isMonotone: monotone,
    isOrdered: false,
    countsOnly: false,
    joinsRules: true,
    isRaw: false,
    mayHold: monotone ? (_events, rules) => meets(rules) : undefined,
    create: () => new Rules(rule.references.length, meets),
  };
}

/** The rule's condition as a test of a set of rules. */
export function ruleSetTest({ expression, condition, references }: CorrelationRule): RuleSetTest {
  if (expression !== undefined) return compile(expression, references);
  const meets = limitTest(condition);
  return (rules) => meets(countBits(rules));
}

/** Number of rules in a set. */
export function countBits(rules: number): number {
  let count = 0;
  for (let rest = rules; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}

/** Whether an expression asks for something not to have been seen. */
export function negates(node: ConditionNode): boolean {
  if (node.kind === 'not') return true;
  return (node.kind === 'and' || node.kind === 'or') && node.operands.some(negates);
}

function compile(node: ConditionNode, references: readonly string[]): RuleSetTest {
  if (node.kind === 'selection') {
    const bit = 1 << references.indexOf(node.name);
    return (rules) => (rules & bit) !== 0;
  }
  if (node.kind === 'atLeast') {
    const among = node.names.reduce((bits, name) => bits | (1 << references.indexOf(name)), 0);
    return (rules) => countBits(rules & among) >= node.count;
  }
  if (node.kind === 'not') {
    const operand = compile(node.operand, references);
    return (rules) => !operand(rules);
  }
  const operands = node.operands.map((operand) => compile(operand, references));
  return node.kind === 'and' ? (rules) => operands.every((test) => test(rules)) : (rules) => operands.some((test) => test(rules));
}

class Rules implements Measure {
  readonly #meets: RuleSetTest;
  /** Events per rule. */
  readonly #events: number[];
  #seen = 0;

  constructor(rules: number, meets: RuleSetTest) {
    this.#meets = meets;
    this.#events = new Array<number>(rules).fill(0);
  }

  get bytes(): number {
    return 8 * this.#events.length;
  }

  enter(rules: number): void {
    for (let rest = rules; rest !== 0; rest &= rest - 1) {
      const index = 31 - Math.clz32(rest & -rest);
      this.#events[index] = (this.#events[index] as number) + 1;
    }
    this.#seen |= rules;
  }

  leave(rules: number): void {
    for (let rest = rules; rest !== 0; rest &= rest - 1) {
      const index = 31 - Math.clz32(rest & -rest);
      this.#events[index] = (this.#events[index] as number) - 1;
      if (this.#events[index] === 0) this.#seen &= ~(1 << index);
    }
  }

  holds(): boolean {
    return this.#meets(this.#seen);
  }

  clear(): void {
    this.#events.fill(0);
    this.#seen = 0;
  }
}
