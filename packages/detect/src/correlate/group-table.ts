/**
 * States of all folds by group, within bounds: how many groups, how many bytes. The group that was touched longest ago goes first,
 * and is counted. Also keeps who feeds which fold's event time, and which groups a watermark makes due.
 */
import { type Match, type MatchStep, sourceKey } from '@tocsin/core';
import { encodeCheckpoint, type SavedTable } from './checkpoint.ts';
import type { RuleFold } from './create-folds.ts';
import { createDueQueue, type DueQueue } from './due-queue.ts';
import type { FoldContext, FoldStep } from './fold.ts';
import { createWatermarkBoard, type TimeLane, type WatermarkBoard } from './watermark-board.ts';

/** Bounds on the states of a fold set. */
export interface GroupLimits {
  readonly maxGroups: number;
  /** Rough bytes of all states together. */
  readonly maxBytes: number;
}

/** Bounds where nothing else is asked for. */
export const DEFAULT_LIMITS: GroupLimits = { maxGroups: 100_000, maxBytes: 128 * 1024 * 1024 };

interface Group {
  readonly id: string;
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
  /** Groups of it that are remembered. */
  live: number;
}

/** Told of every fold step that a watermark caused. */
export type OnStep = (fold: RuleFold, outcome: FoldStep<unknown>) => void;

/** The states of a fold set. */
export class GroupTable {
  readonly counts: { evicted: number; late: number; unknown: number };
  readonly #limits: GroupLimits;
  readonly #byRule: ReadonlyMap<string, readonly RuleFold[]>;
  readonly #board: WatermarkBoard;
  readonly #lanes = new Map<string, FoldLane>();
  /** In the order of last touch. */
  readonly #groups = new Map<string, Group>();
  #bytes = 0;

  constructor(folds: readonly RuleFold[], limits: Partial<GroupLimits> = {}, saved?: SavedTable) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#byRule = indexByRule(folds);
    this.#board = createWatermarkBoard(saved?.watermarks);
    this.counts = { evicted: 0, late: 0, unknown: 0, ...saved?.counts };
    if (saved !== undefined) this.#restore(saved, new Map(folds.map((fold) => [fold.plan.meta.id, fold])));
  }

  get size(): number {
    return this.#groups.size;
  }

  /** Rough bytes of all states. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Folds that take a rule's matches. */
  foldsOf(ruleId: string): readonly RuleFold[] {
    return this.#byRule.get(ruleId) ?? [];
  }

  /** Gives a match to a fold; undefined when it belongs to no group of it. */
  advance(fold: RuleFold, match: Match, ruleSet: string): FoldStep<unknown> | undefined {
    const key = fold.fold.key(match);
    if (key === undefined) return undefined;
    const lane = this.#laneOf(fold, match.tenant);
    this.#board.feed(lane, sourceKey(match.tenant, match.evidence.source));
    const group = this.#touch(lane, key);
    const outcome = fold.fold.advance(group.state, match, contextOf(group, ruleSet));
    this.#settle(group, outcome);
    this.#evict();
    return outcome;
  }

  /** Takes a step's watermarks and runs what they make due. */
  passTime(step: MatchStep, onStep: OnStep): void {
    for (const lane of this.#board.update(step.watermarks)) this.#runDue(lane as FoldLane, step.ruleSet, onStep);
  }

  /** All states as a checkpoint. */
  encode(ruleSetHash: string): Uint8Array {
    return encodeCheckpoint({
      ruleSetHash,
      counts: this.counts,
      watermarks: this.#board.entries(),
      lanes: [...this.#lanes.values()].map((lane) => ({
        ruleId: lane.fold.plan.meta.id,
        tenant: lane.tenant,
        watermarkMs: Number.isFinite(lane.watermarkMs) ? lane.watermarkMs : null,
        sources: [...lane.sources],
      })),
      groups: [...this.#groups.values()].map((group) => ({
        ruleId: group.lane.fold.plan.meta.id,
        version: group.lane.fold.fold.version,
        tenant: group.lane.tenant,
        key: group.key,
        state: group.lane.fold.fold.encode(group.state),
      })),
    });
  }

  #laneOf(fold: RuleFold, tenant: string): FoldLane {
    const id = JSON.stringify([fold.plan.meta.id, tenant]);
    const known = this.#lanes.get(id);
    if (known !== undefined) return known;
    const lane: FoldLane = { fold, tenant, queue: createDueQueue(), sources: new Set(), watermarkMs: Number.NEGATIVE_INFINITY, live: 0 };
    this.#lanes.set(id, lane);
    return lane;
  }

  #touch(lane: FoldLane, key: string): Group {
    const id = JSON.stringify([lane.fold.plan.meta.id, lane.tenant, key]);
    let group = this.#groups.get(id);
    if (group === undefined) {
      group = { id, lane, key, state: lane.fold.fold.initial(), bytes: 0, queuedMs: null, isForgotten: false };
      lane.live += 1;
    } else this.#groups.delete(id);
    this.#groups.set(id, group);
    return group;
  }

  #settle(group: Group, outcome: FoldStep<unknown>): void {
    this.counts.late += outcome.late;
    if (outcome.state === null) {
      this.#forget(group);
      return;
    }
    const { fold } = group.lane.fold;
    group.state = outcome.state;
    const bytes = fold.weigh(group.state) + 2 * group.id.length;
    this.#bytes += bytes - group.bytes;
    group.bytes = bytes;
    const dueMs = fold.nextDue(group.state);
    if (dueMs !== null && (group.queuedMs === null || dueMs < group.queuedMs)) enqueue(group, dueMs);
  }

  #runDue(lane: FoldLane, ruleSet: string, onStep: OnStep): void {
    const { fold } = lane.fold;
    for (let group = lane.queue.takeDue(lane.watermarkMs); group !== undefined; group = lane.queue.takeDue(lane.watermarkMs)) {
      if (group.isForgotten) continue;
      group.queuedMs = null;
      const dueMs = fold.nextDue(group.state);
      if (dueMs === null) continue;
      if (dueMs > lane.watermarkMs) {
        enqueue(group, dueMs);
        continue;
      }
      const outcome = fold.onWatermark(group.state, contextOf(group, ruleSet));
      this.#settle(group, outcome);
      onStep(lane.fold, outcome);
    }
  }

  #evict(): void {
    for (const group of this.#groups.values()) {
      if (this.#groups.size <= this.#limits.maxGroups && this.#bytes <= this.#limits.maxBytes) return;
      this.counts.evicted += 1;
      this.#forget(group);
    }
  }

  #forget(group: Group): void {
    this.#groups.delete(group.id);
    this.#bytes -= group.bytes;
    group.isForgotten = true;
    // Its entry stays in the queue until it is due: without its state it weighs next to nothing.
    group.state = undefined;
    const { lane } = group;
    lane.live -= 1;
    if (lane.queue.size > 2 * lane.live + MAX_STALE_ENTRIES) lane.queue.keep((one) => !one.isForgotten);
  }

  #restore(saved: SavedTable, folds: ReadonlyMap<string, RuleFold>): void {
    for (const { ruleId, tenant, watermarkMs, sources } of saved.lanes) {
      const fold = folds.get(ruleId);
      if (fold === undefined) continue;
      const lane = this.#laneOf(fold, tenant);
      lane.watermarkMs = watermarkMs ?? Number.NEGATIVE_INFINITY;
      for (const sourceKey of sources) this.#board.feed(lane, sourceKey);
    }
    for (const { ruleId, tenant, key, state } of saved.groups) {
      const fold = folds.get(ruleId);
      if (fold === undefined) continue;
      this.#settle(this.#touch(this.#laneOf(fold, tenant), key), { state: fold.fold.decode(state), changed: [], late: 0 });
    }
  }
}

/** Entries of forgotten groups that a queue may hold beyond as many as it has live ones. */
const MAX_STALE_ENTRIES = 10_000;

function contextOf(group: Group, ruleSet: string): FoldContext {
  return { tenant: group.lane.tenant, groupKey: group.key, watermarkMs: group.lane.watermarkMs, ruleSet };
}

function enqueue(group: Group, dueMs: number): void {
  group.queuedMs = dueMs;
  group.lane.queue.add(dueMs, group);
}

function indexByRule(folds: readonly RuleFold[]): Map<string, RuleFold[]> {
  const byRule = new Map<string, RuleFold[]>();
  for (const fold of folds) for (const ruleId of fold.ruleIds) byRule.set(ruleId, [...(byRule.get(ruleId) ?? []), fold]);
  return byRule;
}
