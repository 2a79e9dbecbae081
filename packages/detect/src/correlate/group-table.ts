/**
 * States of all folds by group, within bounds: how many groups, how many bytes. The group that was touched longest ago goes first,
 * and is counted. Also keeps who feeds which fold's event time, and which groups a watermark makes due.
 */
import { type MatchStep, sourceKey } from '@tocsin/core';
import type { SavedTable } from './checkpoint.ts';
import type { RuleFold } from './create-folds.ts';
import { createDueQueue, type DueQueue } from './due-queue.ts';
import type { FoldContext, FoldStep } from './fold.ts';
import type { FoldMatch } from './held-match.ts';
import { RecencyList } from './recency-list.ts';
import { TableSnapshot } from './table-snapshot.ts';
import { createWatermarkBoard, type TimeLane, type WatermarkBoard } from './watermark-board.ts';

/** Bounds on the states of a fold set. */
export interface GroupLimits {
  readonly maxGroups: number;
  /** Rough bytes of all states together. */
  readonly maxBytes: number;
}

/** Bounds where nothing else is asked for. */
export const DEFAULT_LIMITS: GroupLimits = { maxGroups: 100_000, maxBytes: 128 * 1024 * 1024 };

/** What had to be left out; counts. */
export interface FoldCounts {
  /** Groups forgotten before their time to stay within the limits. */
  evicted: number;
  /** Matches that came too late to be counted. */
  late: number;
  /** Matches of rules that are not in this rule set. */
  unknown: number;
  /** Events of a group that were forgotten before their time because it had too many. */
  clipped: number;
}

/** What one fold remembers of one group. */
interface Group {
  readonly lane: FoldLane;
  readonly key: string;
  state: unknown;
  bytes: number;
  /** Due time of its entry in the queue; null while it has none. */
  queuedMs: number | null;
  isForgotten: boolean;
  /** Neighbours in the order of last touch. */
  older: Group | undefined;
  newer: Group | undefined;
}

interface FoldLane extends TimeLane {
  readonly fold: RuleFold;
  readonly tenant: string;
  readonly queue: DueQueue<Group>;
  /** By key. */
  readonly groups: Map<string, Group>;
  /** Source that fed it last: most matches come from the same. */
  lastSource: string;
}

/** Told of every fold step that a watermark caused, and in which group. */
export type OnStep = (fold: RuleFold, outcome: FoldStep<unknown>, where: GroupPlace) => void;

/** Whose group a step was taken in. */
export interface GroupPlace {
  readonly tenant: string;
  readonly groupKey: string;
}

/** The states of a fold set. */
export class GroupTable {
  readonly counts: FoldCounts;
  readonly #limits: GroupLimits;
  readonly #board: WatermarkBoard;
  /** By fold, then tenant. */
  readonly #lanes = new Map<RuleFold, Map<string, FoldLane>>();
  readonly #recency = new RecencyList<Group>();
  #snapshot: TableSnapshot<Group> | undefined;
  #size = 0;
  #bytes = 0;

  constructor(folds: readonly RuleFold[], limits: Partial<GroupLimits> = {}, saved?: SavedTable) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#board = createWatermarkBoard(saved?.watermarks);
    this.counts = { evicted: 0, late: 0, unknown: 0, clipped: 0, ...saved?.counts };
    for (const fold of folds) this.#lanes.set(fold, new Map());
    if (saved !== undefined) this.#restore(saved, new Map(folds.map((fold) => [fold.plan.meta.id, fold])));
  }

  get size(): number {
    return this.#size;
  }

  /** Rough bytes of all states. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Gives a match of a group to a fold. */
  advance(fold: RuleFold, { match, key }: { match: FoldMatch; key: string }, ruleSet: string): FoldStep<unknown> {
    const lane = this.#laneOf(fold, match.tenant);
    if (match.evidence.source !== lane.lastSource) {
      lane.lastSource = match.evidence.source;
      this.#board.feed(lane, sourceKey(match.tenant, lane.lastSource));
    }
    const group = this.#touch(lane, key);
    this.#keepForSnapshot(group);
    const outcome = fold.fold.advance(group.state, match, contextOf(group, ruleSet));
    this.#settle(group, outcome);
    if (this.#size > this.#limits.maxGroups || this.#bytes > this.#limits.maxBytes) this.#evict();
    return outcome;
  }

  /** Takes a step's watermarks and runs what they make due, correlations behind those they refer to. */
  passTime(step: MatchStep, onStep: OnStep): void {
    const lanes = this.#board.update(step.watermarks) as FoldLane[];
    lanes.sort((a, b) => a.fold.height - b.fold.height);
    // A lane's time moves when those below it have said what they had to say before that time.
    for (const lane of lanes) if (this.#board.advance(lane)) this.#runDue(lane, step.ruleSet, onStep);
  }

  /** All states as a checkpoint. */
  encode(ruleSetHash: string): Uint8Array {
    return this.#beginSnapshot(ruleSetHash).finish();
  }

  /** Begins a checkpoint of this moment that may be finished later; one that was begun before and not finished is given up. */
  snapshot(ruleSetHash: string): TableSnapshot<object> {
    this.#snapshot = this.#beginSnapshot(ruleSetHash);
    return this.#snapshot as TableSnapshot<object>;
  }

  #beginSnapshot(ruleSetHash: string): TableSnapshot<Group> {
    const lanes = [...this.#lanes.values()].flatMap((byTenant) => [...byTenant.values()]);
    const indexes = new Map(lanes.map((lane, index) => [lane, index]));
    const head = {
      ruleSetHash,
      counts: { ...this.counts },
      watermarks: this.#board.entries(),
      lanes: lanes.map(({ fold, tenant, watermarkMs, sources }) => ({
        ruleId: fold.plan.meta.id,
        version: fold.fold.version,
        tenant,
        watermarkMs: Number.isFinite(watermarkMs) ? watermarkMs : null,
        sources: [...sources],
      })),
    };
    return new TableSnapshot<Group>(head, this.#recency, ({ lane, key, state }) => ({
      lane: indexes.get(lane) ?? 0,
      key,
      encode: () => lane.fold.fold.encode(state),
    }));
  }

  /** A snapshot that is being taken must have a group as it was before it changes. */
  #keepForSnapshot(group: Group): void {
    if (this.#snapshot === undefined) return;
    if (this.#snapshot.isComplete) this.#snapshot = undefined;
    else this.#snapshot.save(group);
  }

  #laneOf(fold: RuleFold, tenant: string): FoldLane {
    const byTenant = this.#lanes.get(fold) ?? new Map<string, FoldLane>();
    const known = byTenant.get(tenant);
    if (known !== undefined) return known;
    const lane: FoldLane = {
      fold,
      tenant,
      queue: createDueQueue(),
      sources: new Set(),
      watermarkMs: Number.NEGATIVE_INFINITY,
      groups: new Map(),
      lastSource: '',
    };
    byTenant.set(tenant, lane);
    return lane;
  }

  #touch(lane: FoldLane, key: string): Group {
    const known = lane.groups.get(key);
    if (known !== undefined) {
      this.#recency.touch(known);
      return known;
    }
    const state = lane.fold.fold.initial();
    const group: Group = { lane, key, state, bytes: 0, queuedMs: null, isForgotten: false, older: undefined, newer: undefined };
    lane.groups.set(key, group);
    this.#recency.add(group);
    this.#size += 1;
    return group;
  }

  #settle(group: Group, outcome: FoldStep<unknown>): void {
    this.counts.late += outcome.late;
    this.counts.clipped += outcome.clipped ?? 0;
    if (outcome.state === null) {
      this.#forget(group);
      return;
    }
    const { fold, delayMs } = group.lane.fold;
    group.state = outcome.state;
    const bytes = fold.weigh(group.state) + 2 * group.key.length + GROUP_BYTES;
    this.#bytes += bytes - group.bytes;
    group.bytes = bytes;
    const dueMs = fold.nextDue(group.state);
    if (dueMs !== null && (group.queuedMs === null || dueMs + delayMs < group.queuedMs)) enqueue(group, dueMs + delayMs);
  }

  #runDue(lane: FoldLane, ruleSet: string, onStep: OnStep): void {
    const { fold, delayMs } = lane.fold;
    for (let group = lane.queue.takeDue(lane.watermarkMs); group !== undefined; group = lane.queue.takeDue(lane.watermarkMs)) {
      if (group.isForgotten) continue;
      group.queuedMs = null;
      const dueMs = fold.nextDue(group.state);
      if (dueMs === null) continue;
      if (dueMs + delayMs > lane.watermarkMs) {
        enqueue(group, dueMs + delayMs);
        continue;
      }
      this.#keepForSnapshot(group);
      const outcome = fold.onWatermark(group.state, contextOf(group, ruleSet));
      this.#settle(group, outcome);
      onStep(lane.fold, outcome, { tenant: lane.tenant, groupKey: group.key });
    }
  }

  #evict(): void {
    for (const group of this.#recency) {
      if (this.#size <= this.#limits.maxGroups && this.#bytes <= this.#limits.maxBytes) return;
      this.counts.evicted += 1;
      this.#keepForSnapshot(group);
      this.#forget(group);
    }
  }

  #forget(group: Group): void {
    const { lane } = group;
    lane.groups.delete(group.key);
    this.#recency.remove(group);
    this.#size -= 1;
    this.#bytes -= group.bytes;
    group.isForgotten = true;
    // Its entry stays in the queue until it is due: without its state it weighs next to nothing.
    group.state = undefined;
    if (lane.queue.size > 2 * lane.groups.size + MAX_STALE_ENTRIES) lane.queue.keep((one) => !one.isForgotten);
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
/** Rough bytes of a group's place in the table. */
const GROUP_BYTES = 150;

function contextOf(group: Group, ruleSet: string): FoldContext {
  const { tenant, watermarkMs, fold } = group.lane;
  return { tenant, groupKey: group.key, watermarkMs: watermarkMs - fold.delayMs, ruleSet };
}

function enqueue(group: Group, dueMs: number): void {
  group.queuedMs = dueMs;
  group.lane.queue.add(dueMs, group);
}
