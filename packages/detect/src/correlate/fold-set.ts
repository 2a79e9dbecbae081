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
import { type GroupLimits, GroupTable } from './group-table.ts';

/** What the folds hold and what they had to leave out; counts since creation or, after a restore, since the first creation. */
export interface FoldStats {
  readonly groups: number;
  /** Rough bytes of all states. */
  readonly bytes: number;
  /** Groups forgotten before their time to stay within the limits. */
  readonly evicted: number;
  /** Matches that came too late to be counted by a correlation. */
  readonly late: number;
  /** Matches of rules that are not in this rule set. */
  readonly unknown: number;
}

/** The folds of a rule set. */
export interface FoldSet {
  /** Alerts that the step changed, each once, in the order they were first changed. */
  advance(step: MatchStep, origin?: AlertOrigin): Alert[];
  stats(): FoldStats;
  /** All states, for a checkpoint. */
  encode(): Uint8Array;
}

/** Folds of a rule set, without memory. */
export function createFoldSet(compiled: CompiledRules, limits?: Partial<GroupLimits>): FoldSet {
  return foldSetOver(compiled, new GroupTable(createFolds(compiled.folds), limits));
}

/** Folds over a table that may already hold states. */
export function foldSetOver(compiled: CompiledRules, table: GroupTable): FoldSet {
  return {
    advance: (step, origin = 'live') => {
      const changes = new Map<Episode, RuleFold>();
      for (const match of step.matches) {
        const folds = table.foldsOf(match.ruleId);
        if (folds.length === 0) table.counts.unknown += 1;
        for (const fold of folds) record(changes, fold, table.advance(fold, match, step.ruleSet));
      }
      table.passTime(step, (fold, outcome) => record(changes, fold, outcome));
      return [...changes].map(([episode, fold]) => {
        episode.revision += 1;
        return alertOf(fold.plan.meta, episode, { origin, added: fold.fold.explain(episode) });
      });
    },
    stats: () => ({
      groups: table.size,
      bytes: table.bytes,
      evicted: table.counts.evicted,
      late: table.counts.late,
      unknown: table.counts.unknown,
    }),
    encode: () => table.encode(compiled.ruleSetHash),
  };
}

function record(changes: Map<Episode, RuleFold>, fold: RuleFold, outcome: FoldStep<unknown> | undefined): void {
  for (const episode of outcome?.changed ?? []) if (!changes.has(episode)) changes.set(episode, fold);
}
