/** Which states of a checkpoint a rule set can go on from: those of rules that it has, and that mean the same in it. */
import type { CompiledRules } from '../compile/compiled-rules.ts';
import type { SavedGroup, SavedTable } from './checkpoint.ts';
import { createFolds } from './create-folds.ts';
import { MatchFields } from './match-fields.ts';

/** States that are wanted and known, and ids of the rules whose wanted states are not, with the number of groups. */
export function knownStates(
  compiled: CompiledRules,
  saved: SavedTable,
  isWanted: (of: Pick<SavedGroup, 'tenant' | 'ruleId'>) => boolean,
): { readonly table: SavedTable; readonly dropped: ReadonlyMap<string, number> } {
  const folds = createFolds(compiled.folds, new MatchFields());
  const versions = new Map(folds.map(({ plan, fold }) => [plan.meta.id, fold.version]));
  const dropped = new Map<string, number>();
  const groups = saved.groups.filter((group) => {
    if (!isWanted(group)) return false;
    if (versions.get(group.ruleId) === group.version) return true;
    dropped.set(group.ruleId, (dropped.get(group.ruleId) ?? 0) + 1);
    return false;
  });
  return { table: { ...saved, lanes: saved.lanes.filter(isWanted), groups }, dropped };
}
