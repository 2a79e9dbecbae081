/** Which folds take which rule's matches, and the group keys of the match at hand: folds that group by the same fields share one. */
import type { Match } from '@tocsin/core';
import type { RuleFold } from './create-folds.ts';
import { keyOfFields } from './group-key.ts';

/** A fold that takes a rule's matches. */
export interface FoldRoute {
  readonly fold: RuleFold;
  /** Place of its fields among those of all folds; -1 where the fold finds its key itself. */
  readonly slot: number;
}

/** Routes of a rule set. Holds the keys of one match at a time. */
export class FoldRoutes {
  readonly #byRule = new Map<string, FoldRoute[]>();
  readonly #fields: (readonly string[])[] = [];
  readonly #keys: (string | undefined)[] = [];
  /** For which match the key was made: its turn, so that nothing need be cleared. */
  readonly #turns: number[] = [];
  #turn = 0;

  constructor(folds: readonly RuleFold[]) {
    const slots = new Map<string, number>();
    for (const fold of folds) {
      for (const ruleId of fold.ruleIds) {
        const routes = this.#byRule.get(ruleId) ?? [];
        routes.push({ fold, slot: this.#slotOf(fold, ruleId, slots) });
        this.#byRule.set(ruleId, routes);
      }
    }
  }

  /** Folds for a rule's matches; none for a rule that is not known. */
  of(ruleId: string): readonly FoldRoute[] {
    return this.#byRule.get(ruleId) ?? [];
  }

  /** Turns to another match. */
  next(): void {
    this.#turn += 1;
  }

  /** Group of the match that was turned to; undefined when it belongs to none. */
  keyOf({ fold, slot }: FoldRoute, match: Match): string | undefined {
    if (slot < 0) return fold.fold.key(match);
    if (this.#turns[slot] !== this.#turn) {
      this.#turns[slot] = this.#turn;
      this.#keys[slot] = keyOfFields(this.#fields[slot] ?? [], match.group);
    }
    return this.#keys[slot];
  }

  #slotOf({ plan }: RuleFold, ruleId: string, slots: Map<string, number>): number {
    const fields = plan.kind === 'correlation' ? plan.inputs.get(ruleId)?.groupFields : undefined;
    if (fields === undefined) return -1;
    const name = JSON.stringify(fields);
    const known = slots.get(name);
    if (known !== undefined) return known;
    slots.set(name, this.#fields.length);
    this.#turns.push(0);
    this.#keys.push(undefined);
    return this.#fields.push(fields) - 1;
  }
}
