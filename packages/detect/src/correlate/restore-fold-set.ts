/**
 * Takes a checkpoint into a rule set, which may be another than it was made under. States of rules that are gone, or whose folds now mean
 * something else, are dropped and named.
 */
import type { CompiledRules } from '../compile/compiled-rules.ts';
import { decodeCheckpoint } from './checkpoint.ts';
import { type FoldSet, foldSetOver } from './fold-set.ts';
import { GroupTable } from './group-table.ts';
import { knownStates } from './known-states.ts';
import type { TableOptions } from './table-limits.ts';

/** A restored fold set, and what could not be taken over. */
export interface RestoredFoldSet {
  readonly foldSet: FoldSet;
  /** Hash of the rule set that the checkpoint was made under. */
  readonly savedRuleSet: string;
  /** Ids of rules whose states were dropped, with the number of groups. */
  readonly dropped: ReadonlyMap<string, number>;
}

/** How a fold set is restored. */
export interface RestoreOptions extends TableOptions {
  /** Whether a tenant's states are wanted; what does not belong is left out and not named. Default: everybody's. */
  readonly belongs?: ((tenant: string) => boolean) | undefined;
}

/** Fold set of a checkpoint for a rule set, which may be another than it was made under. @throws detect.bad_checkpoint */
export function restoreFoldSet(
  compiled: CompiledRules,
  bytes: Uint8Array,
  { belongs = () => true, ...table }: RestoreOptions = {},
): RestoredFoldSet {
  const saved = knownStates(compiled, decodeCheckpoint(bytes), ({ tenant }) => belongs(tenant));
  return {
    foldSet: foldSetOver(compiled, new GroupTable(compiled.folds, table, saved.table), table.firstRevision),
    savedRuleSet: saved.table.ruleSetHash,
    dropped: saved.dropped,
  };
}
