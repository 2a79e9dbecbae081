/**
 * All folds of a rule set and their states: takes the steps of MATCHES in log order and gives the alerts that changed. Deterministic:
 * the same steps in the same order give the same alerts. Steps are not recognised: whoever feeds them gives each one once, in order
 * (the stream's position, kept with the checkpoint, sees to that).
 */
import type { Alert, AlertOrigin, MatchStep } from '@tocsin/core';
import type { CompiledRules, CorrelationPlan } from '../compile/compiled-rules.ts';
import { decodeCheckpoint } from './checkpoint.ts';
import type { RuleFold } from './create-folds.ts';
import { alertOf, type Episode } from './episode.ts';
import type { FoldStep, Held } from './fold.ts';
import type { GroupPlace, OnStep } from './fold-lane.ts';
import { GroupTable } from './group-table.ts';
import { heldMatch } from './held-match.ts';
import { knownStates } from './known-states.ts';
import type { FoldCounts, TableOptions } from './table-limits.ts';

/** What the folds hold and what they had to leave out; counts since creation or, after a restore, since the first creation. */
export interface FoldStats extends Readonly<FoldCounts> {
  readonly groups: number;
  /** Rough bytes of all states. */
  readonly bytes: number;
}

/** A checkpoint in the making: of the moment it was begun, whatever has come since. */
export interface FoldSnapshot {
  /** Whether only putting it together is left. */
  readonly isComplete: boolean;
  /** Encodes some more states, about so many bytes. */
  advance(maxBytes: number): void;
  /** The checkpoint; encodes what is left. */
  finish(): Uint8Array;
}

/** The folds of a rule set. */
export interface FoldSet {
  /** Alerts that the step changed, each once: those that its matches changed in that order, then those that the watermarks settled, in any. */
  advance(step: MatchStep, origin?: AlertOrigin): Alert[];
  stats(): FoldStats;
  /** By id of correlation: at how many of its events its condition was found to hold, since this set was created. */
  heldEvents(): ReadonlyMap<string, number>;
  /**
   * Decides what waits for late events, for a log that has an end. What waits for something not to happen goes on waiting: an
   * answer may stand behind the end. Nothing is to be given afterwards.
   */
  finish(origin?: AlertOrigin): Alert[];
  /**
   * Takes over the states that another set of the same log has of some rules and one tenant, in place of its own. States of rules that
   * now mean something else are left out. @throws detect.bad_checkpoint
   */
  adopt(states: Uint8Array, of: { readonly tenant: string; readonly ruleIds: ReadonlySet<string> }): void;
  /** All states, for a checkpoint. */
  encode(): Uint8Array;
  /** The same, begun now and finished at leisure while steps go on. Another that is not finished yet is given up. */
  snapshot(): FoldSnapshot;
}

/** Folds of a rule set, without memory. */
export function createFoldSet(compiled: CompiledRules, options?: TableOptions): FoldSet {
  return foldSetOver(compiled, new GroupTable(compiled.folds, options), options?.firstRevision);
}

/** Folds over a table that may already hold states. */
export function foldSetOver(compiled: CompiledRules, table: GroupTable, firstRevision = 1): FoldSet {
  const run = new FoldRun(table);
  const alertsOf = (changes: ReadonlyMap<Episode, RuleFold>, origin: AlertOrigin): Alert[] =>
    [...changes].map(([episode, fold]) => {
      episode.revision = Math.max(episode.revision + 1, firstRevision);
      return alertOf(fold.plan.meta, episode, { origin, added: fold.fold.explain(episode) });
    });
  return {
    advance: (step, origin = 'live') => alertsOf(run.take(step), origin),
    finish: (origin = 'catch-up') => alertsOf(run.finish(), origin),
    stats: () => ({ groups: table.size, bytes: table.bytes, ...table.counts }),
    heldEvents: () => run.heldEvents,
    adopt: (states, { tenant, ruleIds }) => {
      const saved = knownStates(compiled, decodeCheckpoint(states), ({ tenant: whose, ruleId }) => whose === tenant && ruleIds.has(ruleId));
      table.adopt(saved.table, (lane) => lane.tenant === tenant && ruleIds.has(lane.route.fold.plan.meta.id));
    },
    encode: () => table.encode(compiled.ruleSetHash),
    snapshot: () => table.snapshot(compiled.ruleSetHash),
  };
}

/** Takes steps through the folds: matches to every fold that wants them, and what correlations say to those above them. */
class FoldRun {
  readonly heldEvents = new Map<string, number>();
  readonly #table: GroupTable;
  #changes = new Map<Episode, RuleFold>();
  #ruleSet = '';

  constructor(table: GroupTable) {
    this.#table = table;
  }

  /** Episodes that a step changed, in the order they were first changed. */
  take(step: MatchStep): ReadonlyMap<Episode, RuleFold> {
    this.#changes = new Map();
    this.#ruleSet = step.ruleSet;
    for (const match of step.matches) this.#table.advance(match, step.ruleSet, this.#record);
    this.#table.passTime(step, this.#record);
    return this.#changes;
  }

  /** Episodes that change when nothing more is to come. */
  finish(): ReadonlyMap<Episode, RuleFold> {
    this.#changes = new Map();
    this.#table.finish(this.#ruleSet, this.#record);
    return this.#changes;
  }

  readonly #record: OnStep = (fold, outcome, where) => {
    const { plan } = fold;
    const isSilent = plan.kind === 'correlation' && plan.isSilent;
    if (!isSilent && this.#table.raises(where)) this.#noteChanges(fold, outcome);
    if (plan.kind === 'grouping') return;
    const { id } = plan.meta;
    const { heldEvents = 0, held = [] } = outcome;
    if (heldEvents > 0) this.heldEvents.set(id, (this.heldEvents.get(id) ?? 0) + heldEvents);
    if (held.length > 0 && this.#table.knows(id)) this.#tell(plan, held, where);
  };

  /** Tells the correlations above what one below has found to hold. */
  #tell(plan: CorrelationPlan, held: readonly Held[], where: GroupPlace): void {
    for (const one of held) {
      const match = heldMatch(plan, one, where);
      if (match !== undefined) this.#table.advance(match, this.#ruleSet, this.#record);
    }
  }

  #noteChanges(fold: RuleFold, { changed }: FoldStep<unknown>): void {
    for (const episode of changed) if (!this.#changes.has(episode)) this.#changes.set(episode, fold);
  }
}
