/**
 * Watches what rules cost and puts a rule aside that takes more than its budget for a while, so that one bad rule does not hold up all the
 * others. It never does so silently: the log says it, AUDIT has it, and the rule stands in quarantine until somebody releases it.
 */
import type { Clock } from '@tocsin/core';
import type { TenantCosts } from './rule-costs.ts';

/** What the watch is made of. */
export interface BudgetWatchOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Share of the time that one rule may take, percent of one core; 0 watches nothing. */
  readonly percent: number;
  readonly costs: () => Promise<readonly TenantCosts[]>;
  /** Puts a rule aside. */
  readonly quarantine: (found: OverBudget) => Promise<void>;
  readonly onTrouble: (error: unknown, what: string) => void;
}

/** A rule that took more than its budget. */
export interface OverBudget {
  readonly tenant: string;
  readonly ruleId: string;
  readonly title: string;
  /** Share of the time it took in the last look, percent of one core. */
  readonly percent: number;
}

/** Looks in a row in which a rule must be over its budget: a burst is no reason. */
const LOOKS = 3;
/** Time between two looks, milliseconds. */
export const LOOK_EVERY_MS = 10_000;

/** What was seen of a rule in the look before. */
interface Seen {
  readonly ruleSet: string;
  readonly timeMs: number;
  /** Looks in a row in which it was over its budget. */
  readonly over: number;
}

/** Looks at costs when told to. */
export class BudgetWatch {
  readonly #options: BudgetWatchOptions;
  #seen = new Map<string, Seen>();
  #lastMs: number | undefined;

  constructor(options: BudgetWatchOptions) {
    this.#options = options;
  }

  /** One look: compares with the look before and puts aside what was over its budget often enough. Never throws. */
  async look(): Promise<void> {
    const { clock, costs, onTrouble, percent } = this.#options;
    if (percent === 0) return;
    try {
      const found = this.#compare(await costs(), clock.monotonicMs());
      for (const rule of found) await this.#options.quarantine(rule);
    } catch (error) {
      onTrouble(error, 'watching what rules cost');
    }
  }

  #compare(all: readonly TenantCosts[], nowMs: number): OverBudget[] {
    const spanMs = nowMs - (this.#lastMs ?? nowMs);
    this.#lastMs = nowMs;
    const found: OverBudget[] = [];
    const seen = new Map<string, Seen>();
    for (const { tenant, ruleSet, rules } of all) {
      for (const { ruleId, title, timeMs } of rules) {
        const key = JSON.stringify([tenant, ruleId]);
        const before = this.#seen.get(key);
        const took = before?.ruleSet === ruleSet ? timeMs - before.timeMs : 0;
        const share = spanMs > 0 ? (100 * took) / spanMs : 0;
        const over = share > this.#options.percent ? (before?.over ?? 0) + 1 : 0;
        seen.set(key, { ruleSet, timeMs, over });
        if (over === LOOKS) found.push({ tenant, ruleId, title, percent: Math.round(share) });
      }
    }
    this.#seen = seen;
    return found;
  }
}

/** Looks every ten seconds until disposed. */
export function startBudgetWatch(watch: BudgetWatch): Disposable {
  let isLooking = false;
  const timer = setInterval(() => {
    // A look that takes long is not overtaken by the next.
    if (isLooking) return;
    isLooking = true;
    void watch.look().finally(() => {
      isLooking = false;
    });
  }, LOOK_EVERY_MS).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
