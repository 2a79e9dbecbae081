/**
 * States of all folds by group, within bounds: how many groups, how many bytes. The group that was touched longest ago goes first,
 * and is counted. Also keeps who feeds which fold's event time, and which groups a watermark makes due.
 */
import type { Match, MatchStep } from '@tocsin/core';
import type { RuleFold } from './create-folds.ts';
import { createDueQueue, type DueQueue } from './due-queue.ts';
import type { FoldContext, FoldStep } from './fold.ts';
import { encodeCheckpoint, type SavedGroup, type SavedTable } from './checkpoint.ts';
import { createWatermarkBoard, type TimeLane } from './watermark-board.ts';

/** Bounds on the states of a fold set. */
export interface GroupLimits {
  readonly maxGroups: number;
  /** Rough bytes of all states together. */
  readonly maxBytes: number;
}

export const DEFAULT_LIMITS: GroupLimits = { maxGroups: 100_000, maxBytes: 128 * 1024 * 1024 };

interface Group {
  readonly id: string;
  readonly fold: RuleFold;
  readonly lane: FoldLane;
  readonly key: string;
  state: unknown;
  bytes: number;
  /** Due time of its entry in the queue; null while it has none. */
  queuedMs: number | null;
  isForgotten: boolean;
}

interface FoldLane extends TimeLane {
  readonly fold: RuleFold;
  readonly tenant: string;
  readonly queue: DueQueue<Group>;
}

/** The states of a fold set. */
export interface GroupTable {
  readonly counts: { evicted: number; late: number; unknown: number };
  foldsOf(ruleId: string): readonly RuleFold[];
  /** Gives a match to a fold; undefined when it belongs to no group of it. */
  advance(fold: RuleFold, match: Match, ruleSet: string): FoldStep<unknown> | undefined;
  /** Takes a step's watermarks and runs what they make due. */
  passTime(step: MatchStep, onStep: (fold: RuleFold, outcome: FoldStep<unknown>) => void): void;
  size(): number;
  bytes(): number;
  encode(ruleSetHash: string): Uint8Array;
}

/** Table for these folds, with the states of a checkpoint where one is given. */
export function createGroupTable(folds: readonly RuleFold[], limits: Partial<GroupLimits> = {}, saved?: SavedTable): GroupTable {
  const { maxGroups, maxBytes } = { ...DEFAULT_LIMITS, ...limits };
  const board = createWatermarkBoard(saved?.watermarks);
  const lanes = new Map<string, FoldLane>();
  const groups = new Map<string, Group>();
  const byRule = indexByRule(folds);
  const counts = { evicted: 0, late: 0, unknown: 0, ...saved?.counts };
  let bytes = 0;

  const laneOf = (fold: RuleFold, tenant: string): FoldLane => {
    const id = JSON.stringify([fold.plan.meta.id, tenant]);
    const lane = lanes.get(id) ?? { fold, tenant, queue: createDueQueue(), sources: new Set(), watermarkMs: Number.NEGATIVE_INFINITY };
    lanes.set(id, lane);
    return lane;
  };
  const forget = (group: Group): void => {
    groups.delete(group.id);
    bytes -= group.bytes;
    group.isForgotten = true;
  };
  const groupOf = (lane: FoldLane, key: string): Group => {
    const id = JSON.stringify([lane.fold.plan.meta.id, lane.tenant, key]);
    const known = groups.get(id);
    // Taken out and put back: the map's order is the order of last touch.
    if (known !== undefined) groups.delete(id);
    const group = known ?? { id, fold: lane.fold, lane, key, state: lane.fold.fold.initial(), bytes: 0, queuedMs: null, isForgotten: false };
    groups.set(id, group);
    return group;
  };
  const settle = (group: Group, outcome: FoldStep<unknown>): void => {
    counts.late += outcome.late;
    if (outcome.state === null) return forget(group);
    group.state = outcome.state;
    const weight = group.fold.fold.weigh(group.state) + 2 * group.id.length;
    bytes += weight - group.bytes;
    group.bytes = weight;
    const dueMs = group.fold.fold.nextDue(group.state);
    if (dueMs !== null && (group.queuedMs === null || dueMs < group.queuedMs)) {
      group.queuedMs = dueMs;
      group.lane.queue.add(dueMs, group);
    }
  };
  const contextOf = (group: Group, ruleSet: string): FoldContext => ({ tenant: group.lane.tenant, groupKey: group.key, watermarkMs: group.lane.watermarkMs, ruleSet });
  const runDue = (lane: FoldLane, ruleSet: string, onStep: (fold: RuleFold, outcome: FoldStep<unknown>) => void): void => {
    for (let group = lane.queue.takeDue(lane.watermarkMs); group !== undefined; group = lane.queue.takeDue(lane.watermarkMs)) {
      if (group.isForgotten) continue;
      group.queuedMs = null;
      const dueMs = lane.fold.fold.nextDue(group.state);
      if (dueMs === null) continue;
      if (dueMs > lane.watermarkMs) {
        group.queuedMs = dueMs;
        lane.queue.add(dueMs, group);
        continue;
      }
      const outcome = lane.fold.fold.onWatermark(group.state, contextOf(group, ruleSet));
      settle(group, outcome);
      onStep(lane.fold, outcome);
    }
  };
  const evict = (): void => {
    for (const group of groups.values()) {
      if (groups.size <= maxGroups && bytes <= maxBytes) return;
      counts.evicted += 1;
      forget(group);
    }
  };
  const restore = (one: SavedGroup): void => {
    const fold = folds.find((candidate) => candidate.plan.meta.id === one.ruleId);
    if (fold === undefined) return;
    const lane = laneOf(fold, one.tenant);
    settle(groupOf(lane, one.key), { state: fold.fold.decode(one.state), changed: [], late: 0 });
  };
  for (const lane of saved?.lanes ?? []) {
    const fold = folds.find((candidate) => candidate.plan.meta.id === lane.ruleId);
    if (fold === undefined) continue;
    const restored = laneOf(fold, lane.tenant);
    restored.watermarkMs = lane.watermarkMs ?? Number.NEGATIVE_INFINITY;
    for (const sourceKey of lane.sources) board.feed(restored, sourceKey);
  }
  for (const one of saved?.groups ?? []) restore(one);

  return {
    counts,
    foldsOf: (ruleId) => byRule.get(ruleId) ?? [],
    advance: (fold, match, ruleSet) => {
      const key = fold.fold.key(match);
      if (key === undefined) return undefined;
      const lane = laneOf(fold, match.tenant);
      board.feed(lane, `${match.tenant}/${match.evidence.source}`);
      const group = groupOf(lane, key);
      const outcome = fold.fold.advance(group.state, match, contextOf(group, ruleSet));
      settle(group, outcome);
      evict();
      return outcome;
    },
    passTime: (step, onStep) => {
      for (const lane of board.update(step.watermarks)) runDue(lane as FoldLane, step.ruleSet, onStep);
    },
    size: () => groups.size,
    bytes: () => bytes,
    encode: (ruleSetHash) =>
      encodeCheckpoint({
        ruleSetHash,
        counts,
        watermarks: board.entries(),
        lanes: [...lanes.values()].map((lane) => ({
          ruleId: lane.fold.plan.meta.id,
          tenant: lane.tenant,
          watermarkMs: Number.isFinite(lane.watermarkMs) ? lane.watermarkMs : null,
          sources: [...lane.sources],
        })),
        groups: [...groups.values()].map((group) => ({
          ruleId: group.fold.plan.meta.id,
          version: group.fold.fold.version,
          tenant: group.lane.tenant,
          key: group.key,
          state: group.fold.fold.encode(group.state),
        })),
      }),
  };
}

function indexByRule(folds: readonly RuleFold[]): Map<string, RuleFold[]> {
  const byRule = new Map<string, RuleFold[]>();
  for (const fold of folds) for (const ruleId of fold.ruleIds) byRule.set(ruleId, [...(byRule.get(ruleId) ?? []), fold]);
  return byRule;
}
