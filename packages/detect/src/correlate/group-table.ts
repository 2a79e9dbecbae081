/**
 * States of all folds by group, within bounds: how many groups, how many bytes. The group that was touched longest ago goes first,
 * and is counted. Also keeps who feeds which fold's event time, and which groups a watermark makes due.
 */
import { type MatchStep, sourceKey } from '@tocsin/core';
import type { FoldPlan } from '../compile/compiled-rules.ts';
import type { SavedTable } from './checkpoint.ts';
import { ColdWindows } from './cold-windows.ts';
import { createFolds, type RuleFold } from './create-folds.ts';
import { EvidenceLocker } from './evidence-locker.ts';
import { type FoldContext, type FoldStep, NO_EPISODES, saysSomething } from './fold.ts';
import { createLane, type FoldLane, type GroupPlace, type OnStep, type Said, savedLane } from './fold-lane.ts';
import { createFoldShare, type FoldShare } from './fold-share.ts';
import { GroupColumns } from './group-columns.ts';
import { type FoldRoute, GroupIndex } from './group-index.ts';
import type { FoldMatch } from './held-match.ts';
import { NO_KEY } from './key-table.ts';
import { MatchFields } from './match-fields.ts';
import { StalestGroups } from './stalest-groups.ts';
import { COLD_EVENT_BYTES, DEFAULT_LIMITS, type FoldCounts, GROUP_BYTES, type GroupLimits, type TableOptions } from './table-limits.ts';
import { TableSnapshot } from './table-snapshot.ts';
import { TenantNumbers } from './tenant-numbers.ts';
import { createWatermarkBoard, type WatermarkBoard } from './watermark-board.ts';

/** The states of a fold set. */
export class GroupTable {
  readonly counts: FoldCounts;
  readonly #limits: GroupLimits;
  readonly #board: WatermarkBoard;
  readonly #index: GroupIndex<FoldLane>;
  readonly #groups = new GroupColumns<FoldLane>();
  readonly #cold: ColdWindows;
  readonly #tenants = new TenantNumbers();
  readonly #share: FoldShare;
  /** Whether other tables keep a part of the keys. */
  readonly #isShared: boolean;
  readonly #stalest = new StalestGroups(this.#groups);
  #snapshot: TableSnapshot<number> | undefined;
  /** Snapshots begun so far: new groups are no part of the latest. */
  #snapshots = 0;
  #turn = 0;
  /** Of the groups; what is remembered of their matches comes on top. */
  #bytes = 0;

  constructor(plans: readonly FoldPlan[], { owns, ...limits }: TableOptions = {}, saved?: SavedTable) {
    const fields = new MatchFields();
    const folds = createFolds(plans, fields);
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#board = createWatermarkBoard(saved?.watermarks);
    this.#index = new GroupIndex(folds, fields);
    this.#share = createFoldShare(folds, owns);
    this.#isShared = owns !== undefined;
    this.#cold = new ColdWindows(new EvidenceLocker(folds.some(({ height }) => height > 1)));
    this.counts = { evicted: 0, late: 0, unknown: 0, clipped: 0, ...saved?.counts };
    if (saved !== undefined) this.#restore(saved, new Map(folds.map((fold) => [fold.plan.meta.id, fold])));
  }

  get size(): number {
    return this.#groups.size;
  }

  /** Rough bytes of all states. */
  get bytes(): number {
    return this.#bytes + this.#cold.evidence.bytes;
  }

  /** Whether any fold takes a rule's matches. */
  knows(ruleId: string): boolean {
    return this.#index.routesOf(ruleId).length > 0;
  }

  /** Gives a match to every fold that takes it; those that have something to say do so behind all of them. */
  advance(match: FoldMatch, ruleSet: string, onStep: OnStep): void {
    const routes = this.#index.routesOf(match.ruleId);
    if (routes.length === 0) this.counts.unknown += 1;
    const turn = this.#index.nextTurn();
    const tenant = this.#tenants.of(match.tenant);
    let said: Said[] | undefined;
    for (const route of routes) {
      const key = route.table.keyFor(match, tenant, turn);
      if (key === NO_KEY) continue;
      const lane = route.lanes[tenant] ?? this.#addLane(route, match.tenant);
      this.#noteSource(lane, match);
      if (!this.#keeps(lane, key)) continue;
      const outcome = this.#advanceGroup(this.#groupOf(lane, key), match, ruleSet);
      if (outcome === undefined || !saysSomething(outcome)) continue;
      said ??= [];
      said.push({ fold: route.fold, outcome, where: { tenant: lane.tenant, groupKey: lane.context.groupKey } });
    }
    this.#evict();
    if (said !== undefined) for (const { fold, outcome, where } of said) onStep(fold, outcome, where);
  }

  /** Whether a key is this table's; a match of another's tells the time of the fold all the same. */
  #keeps({ route: { fold, table }, tenant }: FoldLane, key: number): boolean {
    if (!this.#isShared) return true;
    const isKept = this.#share.keeps(fold, tenant, table.textOf(key));
    if (!isKept) table.dropEmpty(key);
    return isKept;
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
    for (const { fold, lanes } of [...this.#index.routes()].sort((a, b) => a.fold.height - b.fold.height)) {
      if (fold.plan.kind === 'correlation' && fold.plan.rule.type === 'absence') continue;
      for (const lane of lanes) {
        if (lane === undefined) continue;
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
  snapshot(ruleSetHash: string): TableSnapshot<number> {
    const lanes = [...this.#index.routes()].flatMap((route) => route.lanes.filter((lane) => lane !== undefined));
    const indexes = new Map(lanes.map((lane, index) => [lane, index]));
    const head = { ruleSetHash, counts: { ...this.counts }, watermarks: this.#board.entries(), lanes: lanes.map(savedLane) };
    this.#snapshots += 1;
    const columns = this.#groups;
    this.#snapshot = new TableSnapshot<number>(this.#snapshots, {
      head,
      groups: columns.all(),
      savedBy: (group) => columns.savedBy[group] as number,
      markSaved: (group, number) => {
        columns.savedBy[group] = number;
      },
      describe: (group) => {
        const lane = this.#laneOf(group);
        const { fold } = lane.route.fold;
        const state = columns.states[group];
        return {
          lane: indexes.get(lane) ?? 0,
          key: lane.route.table.textsOf(columns.keys[group] as number),
          touched: columns.touched[group] as number,
          state: state === undefined && fold.cold !== undefined ? fold.cold.encode(this.#cold, group) : fold.encode(state),
        };
      },
    });
    return this.#snapshot;
  }

  /** A snapshot that is being taken must have a group as it was before it changes. */
  #keepForSnapshot(group: number): void {
    if (this.#snapshot === undefined) return;
    if (this.#snapshot.isComplete) this.#snapshot = undefined;
    else this.#snapshot.save(group);
  }

  #laneOf(group: number): FoldLane {
    const lane = this.#groups.lanes[group];
    if (lane === undefined) throw new RangeError(`group ${group} is free`);
    return lane;
  }

  #advanceGroup(group: number, match: FoldMatch, ruleSet: string): FoldStep<unknown> | undefined {
    const columns = this.#groups;
    const lane = this.#laneOf(group);
    if (this.#snapshot !== undefined) this.#keepForSnapshot(group);
    this.#turn += 1;
    columns.touched[group] = this.#turn;
    const { fold } = lane.route.fold;
    if (columns.states[group] === undefined && fold.cold !== undefined) {
      if (!this.#wakesFor(group, match, ruleSet)) return undefined;
      columns.states[group] = fold.cold.wake(this.#cold, group);
    }
    const outcome = fold.advance(columns.states[group], match, this.#contextOf(group, lane, ruleSet));
    if (outcome !== undefined) {
      // Its key, while it is there: settling may forget the group.
      if (saysSomething(outcome)) void lane.context.groupKey;
      this.#settle(group, outcome);
    }
    // Nothing is due any sooner, and weighing now and then is enough.
    else if (Number.isNaN(columns.queuedMs[group]) || this.#turn % WEIGH_EVERY === 0)
      this.#settle(group, { state: columns.states[group], changed: NO_EPISODES, late: 0 });
    return outcome;
  }

  /** Gives a match to a group that is kept in columns; whether it is to become an object and is still to take the match. */
  #wakesFor(group: number, match: FoldMatch, ruleSet: string): boolean {
    const lane = this.#laneOf(group);
    const { fold, delayMs } = lane.route.fold;
    if (fold.cold === undefined) return true;
    lane.context.watermarkMs = lane.watermarkMs - delayMs;
    lane.context.ruleSet = ruleSet;
    const room = this.#cold.roomOf(group);
    const came = fold.cold.take(this.#cold, group, match, lane.context);
    if (came === 'wake') return true;
    if (came === 'late') this.counts.late += 1;
    // Most are counted in a place that was there, and their group's time is known to come.
    if (room === 0 || this.#cold.roomOf(group) !== room || Number.isNaN(this.#groups.queuedMs[group])) this.#settleCold(group);
    return false;
  }

  #noteSource(lane: FoldLane, match: FoldMatch): void {
    if (match.evidence.source === lane.lastSource) return;
    lane.lastSource = match.evidence.source;
    this.#board.feed(lane, sourceKey(match.tenant, lane.lastSource));
  }

  #addLane(route: FoldRoute<FoldLane>, tenant: string): FoldLane {
    const lane = createLane(route, tenant, (group) => route.table.textOf(this.#groups.keys[group] as number));
    route.lanes[this.#tenants.of(tenant)] = lane;
    return lane;
  }

  #groupOf(lane: FoldLane, key: number): number {
    const { table, place, fold } = lane.route;
    const known = table.groupAt(key, place);
    if (known >= 0) return known;
    this.#turn += 1;
    const columns = this.#groups;
    const group = columns.add();
    columns.lanes[group] = lane;
    columns.keys[group] = key;
    columns.states[group] = fold.fold.cold === undefined ? fold.fold.initial() : undefined;
    columns.bytes[group] = 0;
    columns.queuedMs[group] = Number.NaN;
    columns.touched[group] = this.#turn;
    columns.savedBy[group] = this.#snapshots;
    table.setGroup(key, place, group);
    lane.live += 1;
    return group;
  }

  #settle(group: number, outcome: FoldStep<unknown>): void {
    this.counts.late += outcome.late;
    this.counts.clipped += outcome.clipped ?? 0;
    if (outcome.state === null) {
      this.#forget(group);
      return;
    }
    const lane = this.#laneOf(group);
    const { fold } = lane.route.fold;
    this.#groups.states[group] = outcome.state;
    this.#weigh(group, fold.weigh(outcome.state));
    this.#enqueue(group, fold.nextDue(outcome.state));
  }

  /** Forgets a group in columns that is empty, or sees to it that its time comes. */
  #settleCold(group: number): void {
    const { cold } = this.#laneOf(group).route.fold.fold;
    const length = this.#cold.lengthOf(group);
    if (length === 0 || cold === undefined) this.#forget(group);
    else {
      this.#weigh(group, COLD_EVENT_BYTES * this.#cold.roomOf(group));
      if (Number.isNaN(this.#groups.queuedMs[group])) this.#enqueue(group, cold.nextDue(this.#cold, group));
    }
  }

  #weigh(group: number, state: number): void {
    const columns = this.#groups;
    const bytes = state + this.#laneOf(group).route.table.sizeOf(columns.keys[group] as number) + GROUP_BYTES;
    this.#bytes += bytes - (columns.bytes[group] as number);
    columns.bytes[group] = bytes;
  }

  #enqueue(group: number, dueMs: number | null): void {
    if (dueMs === null) return;
    const lane = this.#laneOf(group);
    const queuedMs = this.#groups.queuedMs[group] as number;
    const laneMs = dueMs + lane.route.fold.delayMs;
    if (queuedMs <= laneMs) return;
    this.#groups.queuedMs[group] = laneMs;
    lane.queue.add(laneMs, group);
  }

  #runDue(lane: FoldLane, ruleSet: string, onStep: OnStep): void {
    const columns = this.#groups;
    for (let due = lane.queue.takeDue(lane.watermarkMs); due !== undefined; due = lane.queue.takeDue(lane.watermarkMs)) {
      const group = due.item;
      // An entry of a group that is gone, or that has come forward.
      if (columns.lanes[group] !== lane || columns.queuedMs[group] !== due.dueMs) continue;
      columns.queuedMs[group] = Number.NaN;
      const dueMs = this.#nextDue(group);
      if (dueMs === null) continue;
      if (dueMs + lane.route.fold.delayMs > lane.watermarkMs) {
        this.#enqueue(group, dueMs);
        continue;
      }
      if (this.#snapshot !== undefined) this.#keepForSnapshot(group);
      this.#passGroupTime(group, ruleSet, onStep);
    }
  }

  #nextDue(group: number): number | null {
    const { fold } = this.#laneOf(group).route.fold;
    const state = this.#groups.states[group];
    return state === undefined && fold.cold !== undefined ? fold.cold.nextDue(this.#cold, group) : fold.nextDue(state);
  }

  #passGroupTime(group: number, ruleSet: string, onStep: OnStep): void {
    const lane = this.#laneOf(group);
    const { fold } = lane.route.fold;
    const state = this.#groups.states[group];
    if (state === undefined && fold.cold !== undefined) {
      fold.cold.trim(this.#cold, group, lane.watermarkMs - lane.route.fold.delayMs);
      this.#settleCold(group);
      return;
    }
    const context = this.#contextOf(group, lane, ruleSet);
    const { groupKey } = context;
    const outcome = fold.onWatermark(state, context);
    this.#settle(group, outcome);
    onStep(lane.route.fold, outcome, { tenant: lane.tenant, groupKey });
  }

  // oxlint-disable-next-line max-params -- R3: a group of a lane, under a rule set.
  #contextOf(group: number, lane: FoldLane, ruleSet: string): FoldContext {
    const { context, watermarkMs, route } = lane;
    context.turnTo(group);
    context.watermarkMs = watermarkMs - route.fold.delayMs;
    context.ruleSet = ruleSet;
    return context;
  }

  /** Forgets the groups touched longest ago until what is left keeps the bounds. */
  #evict(): void {
    while (this.size > this.#limits.maxGroups || this.bytes > this.#limits.maxBytes) {
      const group = this.#stalest.next();
      if (group === undefined) return;
      this.counts.evicted += 1;
      if (this.#snapshot !== undefined) this.#keepForSnapshot(group);
      this.#forget(group);
    }
  }

  #forget(group: number): void {
    const columns = this.#groups;
    const lane = this.#laneOf(group);
    lane.route.table.dropGroup(columns.keys[group] as number, lane.route.place);
    this.#bytes -= columns.bytes[group] as number;
    this.#cold.drop(group);
    columns.drop(group);
    lane.live -= 1;
    // Its entry stays in the queue until it is due.
    if (lane.queue.size > 2 * lane.live + MAX_STALE_ENTRIES)
      lane.queue.keep((one, dueMs) => columns.lanes[one] === lane && columns.queuedMs[one] === dueMs);
  }

  /** Takes over saved states in place of all that is kept in some lanes. */
  adopt(saved: SavedTable, isReplaced: (lane: FoldLane) => boolean): void {
    for (const group of this.#groups.all()) {
      if (!isReplaced(this.#laneOf(group))) continue;
      this.#keepForSnapshot(group);
      this.#forget(group);
    }
    this.#restore(saved, new Map([...this.#index.routes()].map(({ fold }) => [fold.plan.meta.id, fold])));
  }

  #restore(saved: SavedTable, folds: ReadonlyMap<string, RuleFold>): void {
    for (const { ruleId, tenant, watermarkMs, sources } of saved.lanes) {
      const lane = this.#laneTo(folds.get(ruleId), tenant);
      if (lane === undefined) continue;
      lane.watermarkMs = watermarkMs ?? Number.NEGATIVE_INFINITY;
      for (const sourceKey of sources) this.#board.feed(lane, sourceKey);
    }
    for (const { ruleId, tenant, key, state } of saved.groups) {
      const lane = this.#laneTo(folds.get(ruleId), tenant);
      if (lane === undefined) continue;
      const number = lane.route.table.keyOf(key, this.#tenants.of(tenant));
      if (!this.#keeps(lane, number)) continue;
      const { fold } = lane.route.fold;
      const group = this.#groupOf(lane, number);
      if (fold.cold?.restore(this.#cold, group, state) === true) this.#settleCold(group);
      else this.#settle(group, { state: fold.decode(state), changed: [], late: 0 });
    }
  }

  #laneTo(fold: RuleFold | undefined, tenant: string): FoldLane | undefined {
    const route = fold === undefined ? undefined : this.#index.routeTo(fold);
    return route === undefined ? undefined : (route.lanes[this.#tenants.of(tenant)] ?? this.#addLane(route, tenant));
  }
}

/** Entries of forgotten groups that a queue may hold beyond as many as it has live ones. */
const MAX_STALE_ENTRIES = 10_000;
/** Of so many quiet steps one weighs its group. */
const WEIGH_EVERY = 8;
