/** Number of events (`event_count`). */
import type { CorrelationRule } from '../../parse/parsed-rule.ts';
import { isMonotone, limitTest, type NumberTest } from './limit-test.ts';
import type { Measure, MeasureKind } from './measure.ts';

/** Counts events against the rule's limits. */
export function countMeasure(rule: CorrelationRule): MeasureKind {
  const meets = limitTest(rule.condition);
  return {
    isMonotone: isMonotone(rule.condition),
    isOrdered: false,
    countsOnly: true,
    joinsRules: false,
    isRaw: false,
    mayHold: isMonotone(rule.condition) ? meets : undefined,
    create: () => new Count(meets),
  };
}

class Count implements Measure {
  readonly #meets: NumberTest;
  readonly bytes = 0;
  #count = 0;

  constructor(meets: NumberTest) {
    this.#meets = meets;
  }

  enter(events: number): void {
    this.#count += events;
  }

  leave(events: number): void {
    this.#count -= events;
  }

  holds(): boolean {
    return this.#meets(this.#count);
  }

  clear(): void {
    this.#count = 0;
  }
}
