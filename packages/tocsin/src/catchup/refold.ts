/**
 * The folds of some rules and one tenant beside those that run: given the steps of a stretch of the log, they end with the states and
 * alerts that the running ones would have, had they judged it all by these rules.
 */
import type { Alert, AlertOrigin, MatchStep } from '@tocsin/core';
import { createFoldSet, type FoldSet, type OwnsKey, restoreFoldSet } from '@tocsin/detect';
import type { CatchUpRules } from './catch-up-rules.ts';

/** How folds are begun. */
export interface RefoldOptions {
  readonly rules: Pick<CatchUpRules, 'targets' | 'needed' | 'compiled'>;
  readonly tenant: string;
  /** Least revision of the alerts. */
  readonly revision: number;
  /** States to go on from. */
  readonly states?: Uint8Array | undefined;
  readonly owns?: OwnsKey | undefined;
}

/** The folds. */
export class Refold {
  readonly #folds: FoldSet;
  readonly #tenant: string;
  readonly #needed: ReadonlySet<string>;
  readonly targets: ReadonlySet<string>;

  constructor({ rules, tenant, revision, states, owns }: RefoldOptions) {
    const options = { owns, firstRevision: revision };
    this.#folds = states === undefined ? createFoldSet(rules.compiled, options) : restoreFoldSet(rules.compiled, states, options).foldSet;
    this.#tenant = tenant;
    this.#needed = new Set(rules.needed.map(({ id }) => id));
    this.targets = new Set(rules.targets.map(({ id }) => id));
  }

  /** Alerts of the targets that a step changed; of its matches only those of the tenant and the rules count. */
  advance(step: MatchStep, origin: AlertOrigin | undefined = step.origin): Alert[] {
    const matches = step.matches.filter(({ tenant, ruleId }) => tenant === this.#tenant && this.#needed.has(ruleId));
    return this.#folds.advance({ ...step, matches }, origin).filter(({ rule }) => this.targets.has(rule.id));
  }

  /** All states. */
  encode(): Uint8Array {
    return this.#folds.encode();
  }
}
