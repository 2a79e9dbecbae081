/**
 * The fold sets of one rule set: one for the tenants that use the shared rules only, one for each tenant with rules of
 * its own. Knows how to move its state to another rule set and into a checkpoint.
 */
import { type Alert, type MatchStep, TocsinError } from '@tocsin/core';
import { createFoldSet, type FoldSet, type FoldSnapshot, type FoldStats, type OwnsKey, restoreFoldSet } from '@tocsin/detect';
import type { RuleBook } from '../rules/rule-book.ts';
import { type CheckpointPlace, type EncodedFolds, FoldsSaving } from './folds-checkpoint.ts';

/** Key of the fold set of everybody without rules of his own. */
const SHARED = '';

/** How the folds are kept. */
export interface TenantFoldsOptions {
  /** Told of each rule whose state could not be taken over. */
  readonly onDropped?: ((error: TocsinError) => void) | undefined;
  /** Of one shard among several: whether a key is its own. */
  readonly owns?: OwnsKey | undefined;
}

/** All folds under one rule set. */
export class TenantFolds {
  readonly rules: RuleBook;
  readonly #sets = new Map<string, FoldSet>();

  /** Folds that go on from `encoded`. */
  constructor(rules: RuleBook, encoded: EncodedFolds = new Map(), { onDropped, owns }: TenantFoldsOptions = {}) {
    this.rules = rules;
    for (const tenant of [SHARED, ...rules.tenants()]) {
      const compiled = rules.compiledFor(tenant);
      const state = encodedFor(encoded, tenant);
      const belongs = (owner: string): boolean => setOf(rules, owner) === tenant;
      if (state === undefined) this.#sets.set(tenant, createFoldSet(compiled, { owns }));
      else {
        const { foldSet, dropped } = restoreFoldSet(compiled, state, { belongs, owns });
        this.#sets.set(tenant, foldSet);
        for (const [rule, groups] of dropped) onDropped?.(new TocsinError('detect.state_dropped', { rule, groups, ruleSet: rules.hash }));
      }
    }
  }

  /** Alerts changed by a step, each once. */
  advance(step: MatchStep): Alert[] {
    return [...this.#sets].flatMap(([tenant, set]) => set.advance(this.#share(step, tenant), step.origin));
  }

  /** What all folds hold and what they had to leave out. */
  stats(): FoldStats {
    const all = { groups: 0, bytes: 0, evicted: 0, late: 0, unknown: 0, clipped: 0 };
    for (const set of this.#sets.values())
      for (const [name, count] of Object.entries(set.stats()) as [keyof FoldStats, number][]) all[name] += count;
    return all;
  }

  /** Takes over states of some rules and one tenant in place of its own. @throws detect.bad_checkpoint */
  adopt(states: Uint8Array, of: { readonly tenant: string; readonly ruleIds: ReadonlySet<string> }): void {
    this.#sets.get(setOf(this.rules, of.tenant))?.adopt(states, of);
  }

  /** State as of now, for another rule set. Gives up a checkpoint that is being taken. */
  encode(): EncodedFolds {
    return new Map([...this.#sets].map(([tenant, set]) => [tenant, set.encode()]));
  }

  /** Begins a checkpoint of this moment, with whatever else belongs into it. */
  save(place: Omit<CheckpointPlace, 'ruleSet'>, beside: ReadonlyMap<string, FoldSnapshot> = new Map()): FoldsSaving {
    const snapshots = new Map([...[...this.#sets].map(([tenant, set]) => [tenant, set.snapshot()] as const), ...beside]);
    return new FoldsSaving({ ...place, ruleSet: this.rules.hash }, snapshots);
  }

  /** The part of a step that one fold set is concerned with; watermarks concern all. */
  #share(step: MatchStep, tenant: string): MatchStep {
    if (this.#sets.size === 1) return step;
    return { ...step, matches: step.matches.filter((match) => setOf(this.rules, match.tenant) === tenant) };
  }
}

/** Name of the fold set that is concerned with a tenant. */
function setOf(rules: RuleBook, tenant: string): string {
  return rules.hasOwn(tenant) ? tenant : SHARED;
}

/**
 * State to start a tenant's fold set from. Who has had no rules of his own so far takes his part of the shared state with him: a window
 * that is being counted goes on, and a sign of life that was seen is not waited for twice.
 */
function encodedFor(encoded: EncodedFolds, tenant: string): Uint8Array | undefined {
  return encoded.get(tenant) ?? encoded.get(SHARED);
}
