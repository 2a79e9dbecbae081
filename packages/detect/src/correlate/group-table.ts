/**
 * States of all folds by group, within bounds: how many groups, how many bytes. The group that was touched longest ago goes first,
 * and is counted. Also keeps who feeds which fold's event time, and which groups a watermark makes due.
 */
import { type MatchStep, sourceKey } from '@tocsin/core';
import type { FoldPlan } from '../compile/compiled-rules.ts';
import type { SavedTable } from './checkpoint.ts';
import { createFolds, type RuleFold } from './create-folds.ts';
import { DueQueue } from './due-queue.ts';
import { type FoldContext, type FoldStep, NO_EPISODES } from './fold.ts';
import { createFoldShare, type FoldShare, type OwnsKey } from './fold-share.ts';
import { type Bundle, type FoldRoute, GroupIndex } from './group-index.ts';
import type { FoldMatch } from './held-match.ts';
import { MatchFields } from './match-fields.ts';
import { type SnapshotGroup, TableSnapshot } from './table-snapshot.ts';
import { createWatermarkBoard, type TimeLane, type WatermarkBoard } from './watermark-board.ts';

/** Bounds on the states of a fold set. */
export interface GroupLimits {
  readonly maxGroups: number;
  /** Rough bytes of all states together. */
  readonly maxBytes: number;
}

/** How the states of a fold set are kept. */
export interface TableOptions extends Partial<GroupLimits> {
  /** Of a set that shares the work with others: whether a key is its own. Absent where it keeps everything. */
  readonly owns?: OwnsKey | undefined;
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
interface Group extends SnapshotGroup {
  readonly lane: FoldLane;
  readonly bundle: Bundle<Group>;
  state: unknown;
  bytes: number;
  /** Due time of its entry in the queue; null while it has none. */
  queuedMs: number | null;
  /** Turn in which it was touched last; 0 once it is forgotten. */
  touched: number;
}

interface FoldLane extends TimeLane {
  readonly route: FoldRoute<Group>;
  readonly tenant: string;
  readonly queue: DueQueue<Group>;
  /** Groups of it that are remembered. */
  live: number;
  /** Source that fed it last: most matches come from the same. */
  lastSource: string;
  /** What its fold is told: one object for all calls, filled anew for each. */
  readonly context: { readonly tenant: string; groupKey: string; watermarkMs: number; ruleSet: string };
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
  readonly #index: GroupIndex<Group>;
  readonly #share: FoldShare;
  /** By fold, then tenant. */
  readonly #lanes = new Map<RuleFold, Map<string, FoldLane>>();
  /** Next to be forgotten from the end, with the turn they were touched in when that was found out. */
  #oldest: { readonly group: Group; readonly touched: number }[] = [];
  #snapshot: TableSnapshot<Group> | undefined;
  /** Snapshots begun so far: new groups are no part of the latest. */
  #snapshots = 0;
  #turn = 0;
  #size = 0;
  #bytes = 0;

  constructor(plans: readonly FoldPlan[], { owns, ...limits }: TableOptions = {}, saved?: SavedTable) {
    const fields = new MatchFields();
    const folds = createFolds(plans, fields);
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#board = createWatermarkBoard(saved?.watermarks);
    this.#index = new GroupIndex(folds, fields);
    this.#share = createFoldShare(folds, owns);
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

  /** Whether any fold takes a rule's matches. */
  knows(ruleId: string): boolean {
    return this.#index.routesOf(ruleId).length > 0;
  }

  /** Gives a match to every fold that takes it; those that have something to say do so behind all of them. */
  advance(match: FoldMatch, ruleSet: string, onStep: OnStep): void {
    const turn = this.#index.nextTurn();
    let said: { fold: RuleFold; outcome: FoldStep<unknown>; where: GroupPlace }[] | undefined;
    for (const route of this.#index.routesOf(match.ruleId)) {
      const bundle = route.table.bundleFor(match, turn);
      if (bundle === undefined) continue;
      if (!this.#share.keeps(route.fold, bundle.tenant, bundle.key)) {
        this.#passOver(route, bundle, match);
        continue;
      }
      const outcome = this.#advanceGroup(this.#groupOf(route, bundle), match, ruleSet);
      if (outcome === undefined || (outcome.changed.length === 0 && outcome.held === undefined)) continue;
      said ??= [];
      said.push({ fold: route.fold, outcome, where: { tenant: bundle.tenant, groupKey: bundle.key } });
    }
    if (this.#size > this.#limits.maxGroups || this.#bytes > this.#limits.maxBytes) this.#evict();
    if (said !== undefined) for (const { fold, outcome, where } of said) onStep(fold, outcome, where);
  }

  /** Whether the alerts of a group are this table's to raise. */
  raises({ tenant, groupKey }: GroupPlace): boolean {
    return this.#share.raises(tenant, groupKey);
  }

  /** Takes a step's watermarks and runs what they make due, correlations behind those they refer to. */
  passTime(step: MatchStep, onStep: OnStep): void {
    const lanes = this.#board.update(step.watermarks) as FoldLane[];
    lanes.sort((a, b) => a.route.fold.height - b.route.fold.height);
    // A lane's time moves when those below it have said what they had to say before that time.
    for (const lane of lanes) if (this.#board.advance(lane)) this.#runDue(lane, step.ruleSet, onStep);
  }

  /** Settles every window as if no event were to come any more. What waits for something not to happen goes on waiting. */
  finish(ruleSet: string, onStep: OnStep): void {
    for (const [{ plan }, byTenant] of [...this.#lanes].sort(([a], [b]) => a.height - b.height)) {
      if (plan.kind === 'correlation' && plan.rule.type === 'absence') continue;
      for (const lane of byTenant.values()) {
        lane.watermarkMs = Number.POSITIVE_INFINITY;
        this.#runDue(lane, ruleSet, onStep);
      }
    }
  }

  /** All states as a checkpoint. */
  encode(ruleSetHash: string): Uint8Array {
    return this.snapshot(ruleSetHash).finish();
  }

  /** Begins a checkpoint of this moment that may be finished later; one that was begun before is given up. */
  snapshot(ruleSetHash: string): TableSnapshot<Group> {
    const lanes = [...this.#lanes.values()].flatMap((byTenant) => [...byTenant.values()]);
    const indexes = new Map(lanes.map((lane, index) => [lane, index]));
    const head = {
      ruleSetHash,
      counts: { ...this.counts },
      watermarks: this.#board.entries(),
      lanes: lanes.map(({ route: { fold }, tenant, watermarkMs, sources }) => ({
        ruleId: fold.plan.meta.id,
        version: fold.fold.version,
        tenant,
        watermarkMs: Number.isFinite(watermarkMs) ? watermarkMs : null,
        sources: [...sources],
      })),
    };
    this.#snapshots += 1;
    this.#snapshot = new TableSnapshot<Group>(this.#snapshots, {
      head,
      groups: this.#index.groups(),
      describe: ({ lane, bundle, touched, state }) => ({
        lane: indexes.get(lane) ?? 0,
        key: bundle.key,
        touched,
        state: lane.route.fold.fold.encode(state),
      }),
    });
    return this.#snapshot;
  }

  /** A snapshot that is being taken must have a group as it was before it changes. */
  #keepForSnapshot(group: Group): void {
    if (this.#snapshot === undefined) return;
    if (this.#snapshot.isComplete) this.#snapshot = undefined;
    else this.#snapshot.save(group);
  }

  #advanceGroup(group: Group, match: FoldMatch, ruleSet: string): FoldStep<unknown> | undefined {
    const { lane } = group;
    this.#noteSource(lane, match);
    if (this.#snapshot !== undefined) this.#keepForSnapshot(group);
    this.#turn += 1;
    group.touched = this.#turn;
    const outcome = lane.route.fold.fold.advance(group.state, match, contextOf(group, ruleSet));
    if (outcome !== undefined) this.#settle(group, outcome);
    // Nothing is due any sooner, and weighing now and then is enough.
    else if (group.queuedMs === null || this.#turn % WEIGH_EVERY === 0)
      this.#settle(group, { state: group.state, changed: NO_EPISODES, late: 0 });
    return outcome;
  }

  /** A match of another's group tells the time of the fold all the same. */
  #passOver(route: FoldRoute<Group>, bundle: Bundle<Group>, match: FoldMatch): void {
    this.#noteSource(this.#laneOf(route, bundle.tenant), match);
    if (bundle.live === 0) route.table.drop(bundle);
  }

  #noteSource(lane: FoldLane, match: FoldMatch): void {
    if (match.evidence.source === lane.lastSource) return;
    lane.lastSource = match.evidence.source;
    this.#board.feed(lane, sourceKey(match.tenant, lane.lastSource));
  }

  #laneOf(route: FoldRoute<Group>, tenant: string): FoldLane {
    const byTenant = this.#lanes.get(route.fold) ?? new Map<string, FoldLane>();
    const known = byTenant.get(tenant);
    if (known !== undefined) return known;
    const lane: FoldLane = {
      route,
      tenant,
      queue: new DueQueue(({ bundle }) => bundle.key),
      sources: new Set(),
      watermarkMs: Number.NEGATIVE_INFINITY,
      live: 0,
      lastSource: '',
      context: { tenant, groupKey: '', watermarkMs: Number.NEGATIVE_INFINITY, ruleSet: '' },
    };
    byTenant.set(tenant, lane);
    return lane;
  }

  #groupOf(route: FoldRoute<Group>, bundle: Bundle<Group>): Group {
    const known = bundle.groups[route.place];
    if (known !== undefined) return known;
    const lane = this.#laneOf(route, bundle.tenant);
    this.#turn += 1;
    const group: Group = {
      lane,
      bundle,
      state: route.fold.fold.initial(),
      bytes: 0,
      queuedMs: null,
      touched: this.#turn,
      savedBy: this.#snapshots,
    };
    while (bundle.groups.length < route.place) bundle.groups.push(undefined);
    bundle.groups[route.place] = group;
    bundle.live += 1;
    lane.live += 1;
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
    const { fold, delayMs } = group.lane.route.fold;
    group.state = outcome.state;
    const bytes = fold.weigh(group.state) + 2 * group.bundle.key.length + GROUP_BYTES;
    this.#bytes += bytes - group.bytes;
    group.bytes = bytes;
    const dueMs = fold.nextDue(group.state);
    if (dueMs !== null && (group.queuedMs === null || dueMs + delayMs < group.queuedMs)) enqueue(group, dueMs + delayMs);
  }

  #runDue(lane: FoldLane, ruleSet: string, onStep: OnStep): void {
    const { fold, delayMs } = lane.route.fold;
    for (let group = lane.queue.takeDue(lane.watermarkMs); group !== undefined; group = lane.queue.takeDue(lane.watermarkMs)) {
      if (group.touched === 0) continue;
      group.queuedMs = null;
      const dueMs = fold.nextDue(group.state);
      if (dueMs === null) continue;
      if (dueMs + delayMs > lane.watermarkMs) {
        enqueue(group, dueMs + delayMs);
        continue;
      }
      if (this.#snapshot !== undefined) this.#keepForSnapshot(group);
      const outcome = fold.onWatermark(group.state, contextOf(group, ruleSet));
      this.#settle(group, outcome);
      onStep(lane.route.fold, outcome, { tenant: lane.tenant, groupKey: group.bundle.key });
    }
  }

  /** Forgets the groups touched longest ago until what is left keeps the bounds. */
  #evict(): void {
    while (this.#size > this.#limits.maxGroups || this.#bytes > this.#limits.maxBytes) {
      if (this.#oldest.length === 0) {
        const groups = [...this.#index.groups()].sort((a, b) => b.touched - a.touched);
        this.#oldest = groups.map((group) => ({ group, touched: group.touched }));
      }
      const next = this.#oldest.pop();
      if (next === undefined) return;
      // Touched since: then it is younger than everything in the list, and found again when the list is made anew.
      if (next.group.touched !== next.touched) continue;
      this.counts.evicted += 1;
      if (this.#snapshot !== undefined) this.#keepForSnapshot(next.group);
      this.#forget(next.group);
    }
  }

  #forget(group: Group): void {
    const { lane, bundle } = group;
    bundle.groups[lane.route.place] = undefined;
    bundle.live -= 1;
    if (bundle.live === 0) lane.route.table.drop(bundle);
    this.#size -= 1;
    this.#bytes -= group.bytes;
    group.touched = 0;
    // Its entry stays in the queue until it is due: without its state it weighs next to nothing.
    group.state = undefined;
    lane.live -= 1;
    if (lane.queue.size > 2 * lane.live + MAX_STALE_ENTRIES) lane.queue.keep((one) => one.touched !== 0);
  }

  #restore(saved: SavedTable, folds: ReadonlyMap<string, RuleFold>): void {
    for (const { ruleId, tenant, watermarkMs, sources } of saved.lanes) {
      const route = this.#routeTo(folds.get(ruleId));
      if (route === undefined) continue;
      const lane = this.#laneOf(route, tenant);
      lane.watermarkMs = watermarkMs ?? Number.NEGATIVE_INFINITY;
      for (const sourceKey of sources) this.#board.feed(lane, sourceKey);
    }
    for (const { ruleId, tenant, key, state } of saved.groups) {
      const route = this.#routeTo(folds.get(ruleId));
      if (route === undefined || !this.#share.keeps(route.fold, tenant, key)) continue;
      const group = this.#groupOf(route, route.table.bundleOf(tenant, key));
      this.#settle(group, { state: route.fold.fold.decode(state), changed: [], late: 0 });
    }
  }

  #routeTo(fold: RuleFold | undefined): FoldRoute<Group> | undefined {
    return fold === undefined ? undefined : this.#index.routeTo(fold);
  }
}

/** Entries of forgotten groups that a queue may hold beyond as many as it has live ones. */
const MAX_STALE_ENTRIES = 10_000;
/** Of so many quiet steps one weighs its group. */
const WEIGH_EVERY = 8;
/** Rough bytes of a group's place in the table. */
const GROUP_BYTES = 150;

function contextOf(group: Group, ruleSet: string): FoldContext {
  const { context, watermarkMs, route } = group.lane;
  context.groupKey = group.bundle.key;
  context.watermarkMs = watermarkMs - route.fold.delayMs;
  context.ruleSet = ruleSet;
  return context;
}

function enqueue(group: Group, dueMs: number): void {
  group.queuedMs = dueMs;
  group.lane.queue.add(dueMs, group);
}
