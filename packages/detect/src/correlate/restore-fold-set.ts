/**
 * Takes a checkpoint into a rule set, which may be another than it was made under. States of rules that are gone, or whose folds now mean
 * something else, are dropped and named.
 */
import type { CompiledRules } from '../compile/compiled-rules.ts';
import { decodeCheckpoint } from './checkpoint.ts';
import { createFolds } from './create-folds.ts';
import { type FoldSet, foldSetOver } from './fold-set.ts';
import { GroupTable } from './group-table.ts';
import { MatchFields } from './match-fields.ts';
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
  const decoded = decodeCheckpoint(bytes);
  const saved = {
    ...decoded,
    lanes: decoded.lanes.filter((lane) => belongs(lane.tenant)),
    groups: decoded.groups.filter((group) => belongs(group.tenant)),
  };
  const folds = createFolds(compiled.folds, new MatchFields());
  const versions = new Map(folds.map(({ plan, fold }) => [plan.meta.id, fold.version]));
  const dropped = new Map<string, number>();
  const groups = saved.groups.filter((group) => {
    if (versions.get(group.ruleId) === group.version) return true;
    dropped.set(group.ruleId, (dropped.get(group.ruleId) ?? 0) + 1);
    return false;
  });
  return {
    foldSet: foldSetOver(compiled, new GroupTable(compiled.folds, table, { ...saved, groups })),
    savedRuleSet: saved.ruleSetHash,
    dropped,
  };
}
