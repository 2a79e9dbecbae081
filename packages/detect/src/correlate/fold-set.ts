/**
 * All folds of a rule set and their states: takes the steps of MATCHES in log order and gives the alerts that changed. Deterministic:
 * the same steps in the same order give the same alerts. Steps are not recognised: whoever feeds them gives each one once, in order
 * (the stream's position, kept with the checkpoint, sees to that).
 */
import type { Alert, AlertOrigin, MatchStep } from '@tocsin/core';
import type { CompiledRules } from '../compile/compiled-rules.ts';
import { createFolds, type RuleFold } from './create-folds.ts';
import { alertOf, type Episode } from './episode.ts';
import type { FoldStep } from './fold.ts';
import { FoldRoutes } from './fold-routes.ts';
import { type FoldCounts, type GroupLimits, type GroupPlace, GroupTable } from './group-table.ts';
import { type FoldMatch, heldMatch } from './held-match.ts';

/** What the folds hold and what they had to leave out; counts since creation or, after a restore, since the first creation. */
export interface FoldStats extends Readonly<FoldCounts> {
  readonly groups: number;
  /** Rough bytes of all states. */
  readonly bytes: number;
}

/** The folds of a rule set. */
export interface FoldSet {
  /** Alerts that the step changed, each once, in the order they were first changed. */
  advance(step: MatchStep, origin?: AlertOrigin): Alert[];
  stats(): FoldStats;
  /** By id of correlation: at how many of its events its condition was found to hold, since this set was created. */
  heldEvents(): ReadonlyMap<string, number>;
  /** All states, for a checkpoint. */
  encode(): Uint8Array;
}

/** Folds of a rule set, without memory. */
export function createFoldSet(compiled: CompiledRules, limits?: Partial<GroupLimits>): FoldSet {
  const folds = createFolds(compiled.folds);
  return foldSetOver(compiled, folds, new GroupTable(folds, limits));
}

/** Folds over a table that may already hold states. */
export function foldSetOver(compiled: CompiledRules, folds: readonly RuleFold[], table: GroupTable): FoldSet {
  const run = new FoldRun(folds, table);
  return {
    advance: (step, origin = 'live') =>
      [...run.take(step)].map(([episode, fold]) => {
        episode.revision += 1;
        return alertOf(fold.plan.meta, episode, { origin, added: fold.fold.explain(episode) });
      }),
    stats: () => ({ groups: table.size, bytes: table.bytes, ...table.counts }),
    heldEvents: () => run.heldEvents,
    encode: () => table.encode(compiled.ruleSetHash),
  };
}

/** Takes steps through the folds: matches to every fold that wants them, and what correlations say to those above them. */
class FoldRun {
  readonly heldEvents = new Map<string, number>();
  readonly #table: GroupTable;
  readonly #routes: FoldRoutes;
  #changes = new Map<Episode, RuleFold>();
  #ruleSet = '';

  constructor(folds: readonly RuleFold[], table: GroupTable) {
    this.#table = table;
    this.#routes = new FoldRoutes(folds);
  }

  /** Episodes that a step changed, in the order they were first changed. */
  take(step: MatchStep): ReadonlyMap<Episode, RuleFold> {
    this.#changes = new Map();
    this.#ruleSet = step.ruleSet;
    for (const match of step.matches) {
      if (this.#routes.of(match.ruleId).length === 0) this.#table.counts.unknown += 1;
      else this.#give(match);
    }
    this.#table.passTime(step, (fold, outcome, where) => this.#record(fold, outcome, where));
    return this.#changes;
  }

  #give(match: FoldMatch): void {
    this.#routes.next();
    const { tenant } = match;
    let above: { fold: RuleFold; outcome: FoldStep<unknown>; groupKey: string }[] | undefined;
    for (const route of this.#routes.of(match.ruleId)) {
      const key = this.#routes.keyOf(route, match);
      if (key === undefined) continue;
      const outcome = this.#table.advance(route.fold, { match, key }, this.#ruleSet);
      if (outcome.changed.length === 0 && outcome.held === undefined) continue;
      above ??= [];
      above.push({ fold: route.fold, outcome, groupKey: key });
    }
    // Behind the loop: the keys at hand are those of this match.
    for (const { fold, outcome, groupKey } of above ?? []) this.#record(fold, outcome, { tenant, groupKey });
  }

  #record(fold: RuleFold, outcome: FoldStep<unknown>, where: GroupPlace): void {
    const { plan } = fold;
    const { heldEvents = 0, held = [] } = outcome;
    if (heldEvents > 0) this.heldEvents.set(plan.meta.id, (this.heldEvents.get(plan.meta.id) ?? 0) + heldEvents);
    if (plan.kind === 'grouping' || !plan.isSilent)
      for (const episode of outcome.changed) if (!this.#changes.has(episode)) this.#changes.set(episode, fold);
    if (plan.kind === 'grouping' || this.#routes.of(plan.meta.id).length === 0) return;
    for (const one of held) {
      const match = heldMatch(plan, one, where);
      if (match !== undefined) this.#give(match);
    }
  }
}
