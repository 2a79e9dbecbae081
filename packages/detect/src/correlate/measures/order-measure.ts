/**
 * Rules that matched one after the other (`temporal_ordered`). For each leading part of the list it is known when the latest run through
 * it began; a window holds a run if that was not before the window. Events of one millisecond stand in every order, and one event may
 * serve several rules: sources that cut their times to seconds must not lose sequences.
 */
import type { CorrelationRule } from '../../parse/parsed-rule.ts';
import { isMonotone, limitTest, type NumberTest } from './limit-test.ts';
import type { Measure, MeasureKind, WindowView } from './measure.ts';
import { countBits, type RuleSetTest, ruleSetTest } from './rules-measure.ts';

/** Looks for the rules in the order of the list: how many leading ones were seen in order, or an expression whose rules were. */
export function orderMeasure(rule: CorrelationRule): MeasureKind {
  const { expression } = rule;
  const positive = expression === undefined ? 0 : positives(rule);
  const meetsSet = expression === undefined ? undefined : ruleSetTest(rule);
  const meets = limitTest(rule.condition);
  return {
    isMonotone: expression === undefined && isMonotone(rule.condition),
    isOrdered: expression === undefined,
    countsOnly: false,
    joinsRules: true,
    isRaw: false,
    mayHold: expression === undefined && isMonotone(rule.condition) ? (_events, rules) => meets(countBits(rules)) : undefined,
    create: () => (meetsSet === undefined ? new Order(rule.references.length, meets) : new OrderedExpression(meetsSet, positive)),
  };
}

class Order implements Measure {
  readonly #meets: NumberTest;
  /** Beginning of the latest run through the first n + 1 rules, before the current millisecond and with it. */
  readonly #before: number[];
  readonly #now: number[];
  #timeMs = Number.NEGATIVE_INFINITY;
  #rules = 0;

  constructor(rules: number, meets: NumberTest) {
    this.#meets = meets;
    this.#before = new Array<number>(rules).fill(Number.NEGATIVE_INFINITY);
    this.#now = [...this.#before];
  }

  get bytes(): number {
    return 16 * this.#now.length;
  }

  enter(rules: number, timeMs: number): void {
    const before = this.#before;
    const now = this.#now;
    if (timeMs !== this.#timeMs) {
      for (let i = 0; i < now.length; i++) before[i] = now[i] as number;
      this.#timeMs = timeMs;
      this.#rules = 0;
    }
    this.#rules |= rules;
    for (let i = 0; i < now.length; i++) {
      if ((this.#rules & (1 << i)) === 0) continue;
      const began = i === 0 ? timeMs : (now[i - 1] as number);
      now[i] = Math.max(before[i] as number, began);
    }
  }

  /** A run that began before the window does not count, whatever is still known of it. */
  leave(): void {}

  holds({ sinceMs }: WindowView): boolean {
    let leading = 0;
    while (leading < this.#now.length && (this.#now[leading] as number) >= sinceMs) leading += 1;
    return this.#meets(leading);
  }

  clear(): void {
    this.#before.fill(Number.NEGATIVE_INFINITY);
    this.#now.fill(Number.NEGATIVE_INFINITY);
    this.#timeMs = Number.NEGATIVE_INFINITY;
    this.#rules = 0;
  }
}

/** The expression must hold, and those of its rules that it asks for and that were seen must have been seen in the order of the list. */
class OrderedExpression implements Measure {
  readonly #meets: RuleSetTest;
  readonly #positive: number;
  readonly bytes = 0;

  constructor(meets: RuleSetTest, positive: number) {
    this.#meets = meets;
    this.#positive = positive;
  }

  enter(): void {}

  leave(): void {}

  holds({ ring, from, to }: WindowView): boolean {
    let seen = 0;
    for (let i = from; i < to; i++) seen |= Math.floor(ring.cellAt(i) / 2);
    if (!this.#meets(seen)) return false;
    let rest = seen & this.#positive;
    for (let i = from; i < to && rest !== 0; ) {
      const timeMs = ring.timeAt(i);
      let rules = 0;
      for (; i < to && ring.timeAt(i) === timeMs; i++) rules |= Math.floor(ring.cellAt(i) / 2);
      while (rest !== 0 && (rules & rest & -rest) !== 0) rest &= rest - 1;
    }
    return rest === 0;
  }

  clear(): void {}
}

/** Rules that the expression asks for, as bits: those under an even number of negations. */
function positives({ expression, references }: CorrelationRule): number {
  const collect = (node: NonNullable<CorrelationRule['expression']>, isAsked: boolean): number => {
    if (node.kind === 'not') return collect(node.operand, !isAsked);
    if (node.kind === 'selection') return isAsked ? 1 << references.indexOf(node.name) : 0;
    if (node.kind === 'atLeast') return isAsked ? node.names.reduce((bits, name) => bits | (1 << references.indexOf(name)), 0) : 0;
    return node.operands.reduce((bits, operand) => bits | collect(operand, isAsked), 0);
  };
  return expression === undefined ? 0 : collect(expression, true);
}
