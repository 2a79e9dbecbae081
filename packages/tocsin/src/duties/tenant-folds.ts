/**
 * The fold sets of one rule set: one for the tenants that use the shared rules only, one for each tenant with rules of
 * its own. Knows how to move its state to another rule set and into a checkpoint.
 */
import type { Alert, MatchStep } from '@tocsin/core';
import { createFoldSet, type FoldSet, restoreFoldSet } from '@tocsin/detect';
import type { RuleBook } from '../rules/rule-book.ts';

/** Key of the fold set of everybody without rules of his own. */
const SHARED = '';

/** State by tenant, `''` for the shared one; each as its fold set encodes it, in base64. */
export type EncodedFolds = Readonly<Record<string, string>>;

/** All folds under one rule set. */
export class TenantFolds {
  readonly rules: RuleBook;
  readonly #sets = new Map<string, FoldSet>();

  constructor(rules: RuleBook, encoded: EncodedFolds = {}) {
    this.rules = rules;
    for (const tenant of [SHARED, ...rules.tenants()]) {
      const compiled = rules.compiledFor(tenant);
      const state = Object.hasOwn(encoded, tenant) ? encoded[tenant] : undefined;
      this.#sets.set(tenant, state === undefined ? createFoldSet(compiled) : restoreFoldSet(compiled, Buffer.from(state, 'base64')).foldSet);
    }
  }

  /** Alerts changed by a step, each once. */
  advance(step: MatchStep): Alert[] {
    return [...this.#sets].flatMap(([tenant, set]) => set.advance(this.#share(step, tenant)));
  }

  encode(): EncodedFolds {
    return Object.fromEntries([...this.#sets].map(([tenant, set]) => [tenant, Buffer.from(set.encode()).toString('base64')]));
  }

  /** The part of a step that one fold set is concerned with; watermarks concern all. */
  #share(step: MatchStep, tenant: string): MatchStep {
    if (this.#sets.size === 1) return step;
    return { ...step, matches: step.matches.filter((match) => (this.#sets.has(match.tenant) ? match.tenant : SHARED) === tenant) };
  }
}
