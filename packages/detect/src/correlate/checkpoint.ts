/**
 * Checkpoint of a fold set: JSON in UTF-8 (states too, as text), version 1. States of rules that are gone, or whose folds now mean something else,
 * are dropped and named.
 */
import { TocsinError } from '@tocsin/core';
import type { CompiledRules } from '../compile/compiled-rules.ts';
import { createFolds } from './create-folds.ts';
import { type FoldSet, foldSetOver } from './fold-set.ts';
import { type GroupLimits, GroupTable } from './group-table.ts';

/** One group as saved. */
export interface SavedGroup {
  readonly ruleId: string;
  readonly version: string;
  readonly tenant: string;
  readonly key: string;
  readonly state: Uint8Array;
}

/** A fold set as saved; groups from the one touched longest ago. */
export interface SavedTable {
  readonly ruleSetHash: string;
  readonly counts: { readonly evicted: number; readonly late: number; readonly unknown: number };
  readonly watermarks: readonly (readonly [string, number])[];
  readonly lanes: readonly { readonly ruleId: string; readonly tenant: string; readonly watermarkMs: number | null; readonly sources: readonly string[] }[];
  readonly groups: readonly SavedGroup[];
}

/** A restored fold set, and what could not be taken over. */
export interface RestoredFoldSet {
  readonly foldSet: FoldSet;
  /** Hash of the rule set that the checkpoint was made under. */
  readonly savedRuleSet: string;
  /** Ids of rules whose states were dropped, with the number of groups. */
  readonly dropped: ReadonlyMap<string, number>;
}

const VERSION = 1;

/** Bytes of a checkpoint. */
export function encodeCheckpoint(table: SavedTable): Uint8Array {
  const groups = table.groups.map((group) => ({ ...group, state: new TextDecoder().decode(group.state) }));
  return new TextEncoder().encode(JSON.stringify({ version: VERSION, ...table, groups }));
}

/** How a fold set is restored. */
export interface RestoreOptions extends Partial<GroupLimits> {
  /** Whether a tenant's states are wanted; what does not belong is left out and not named. Default: everybody's. */
  readonly belongs?: ((tenant: string) => boolean) | undefined;
}

/** Fold set of a checkpoint for a rule set, which may be another than it was made under. @throws detect.bad_checkpoint */
export function restoreFoldSet(compiled: CompiledRules, bytes: Uint8Array, { belongs = () => true, ...limits }: RestoreOptions = {}): RestoredFoldSet {
  const decoded = decodeCheckpoint(bytes);
  const saved = {
    ...decoded,
    lanes: decoded.lanes.filter((lane) => belongs(lane.tenant)),
    groups: decoded.groups.filter((group) => belongs(group.tenant)),
  };
  const folds = createFolds(compiled.folds);
  const versions = new Map(folds.map(({ plan, fold }) => [plan.meta.id, fold.version]));
  const dropped = new Map<string, number>();
  const groups = saved.groups.filter((group) => {
    if (versions.get(group.ruleId) === group.version) return true;
    dropped.set(group.ruleId, (dropped.get(group.ruleId) ?? 0) + 1);
    return false;
  });
  return { foldSet: foldSetOver(compiled, new GroupTable(folds, limits, { ...saved, groups })), savedRuleSet: saved.ruleSetHash, dropped };
}

function decodeCheckpoint(bytes: Uint8Array): SavedTable {
  try {
    const read = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Omit<SavedTable, 'groups'> & { version: number; groups: (Omit<SavedGroup, 'state'> & { state: string })[] };
    if (read.version !== VERSION) throw new TocsinError('detect.bad_checkpoint', { reason: `it has version ${read.version} and this Tocsin reads version ${VERSION}` });
    if (![read.watermarks, read.lanes, read.groups].every(Array.isArray)) throw new TypeError('a part is missing');
    return { ...read, groups: read.groups.map((group) => ({ ...group, state: new TextEncoder().encode(group.state) })) };
  } catch (cause) {
    if (cause instanceof TocsinError) throw cause;
    throw new TocsinError('detect.bad_checkpoint', { reason: 'it is cut short or damaged' }, { cause });
  }
}
