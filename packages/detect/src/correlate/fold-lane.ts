/** One fold's view of one tenant: its event time, the groups that wait for it, and what the fold is told. */
import type { SavedLane } from './checkpoint.ts';
import type { RuleFold } from './create-folds.ts';
import { DueQueue } from './due-queue.ts';
import type { FoldContext, FoldStep } from './fold.ts';
import type { FoldRoute } from './group-index.ts';
import type { TimeLane } from './watermark-board.ts';

/** A fold's lane of time for a tenant. */
export interface FoldLane extends TimeLane {
  readonly route: FoldRoute<FoldLane>;
  readonly tenant: string;
  readonly queue: DueQueue<number>;
  /** Groups of it that are remembered. */
  live: number;
  /** Source that fed it last: most matches come from the same. */
  lastSource: string;
  /** What its fold is told: one object for all calls, filled anew for each. */
  readonly context: LaneContext;
}

/** What a lane's fold is told of the group at hand. Most folds never ask for its key, which is put together only then. */
export class LaneContext implements FoldContext {
  readonly tenant: string;
  watermarkMs = Number.NEGATIVE_INFINITY;
  ruleSet = '';
  readonly #keyOf: (group: number) => string;
  #group = -1;
  #key: string | undefined;

  constructor(tenant: string, keyOf: (group: number) => string) {
    this.tenant = tenant;
    this.#keyOf = keyOf;
  }

  /** Takes the next group. */
  turnTo(group: number): void {
    this.#group = group;
    this.#key = undefined;
  }

  /** Key of the group; asked for at least once while the group is there, it is known afterwards as well. */
  get groupKey(): string {
    this.#key ??= this.#keyOf(this.#group);
    return this.#key;
  }
}

/** A lane without groups; `nameOf` gives a group's key, by which groups due at one time are ordered. */
export function createLane(route: FoldRoute<FoldLane>, tenant: string, nameOf: (group: number) => string): FoldLane {
  return {
    route,
    tenant,
    queue: new DueQueue(nameOf),
    sources: new Set(),
    watermarkMs: Number.NEGATIVE_INFINITY,
    live: 0,
    lastSource: '',
    context: new LaneContext(tenant, nameOf),
  };
}

/** A lane as a checkpoint keeps it. */
export function savedLane({ route: { fold }, tenant, watermarkMs, sources }: FoldLane): SavedLane {
  return {
    ruleId: fold.plan.meta.id,
    version: fold.fold.version,
    tenant,
    watermarkMs: Number.isFinite(watermarkMs) ? watermarkMs : null,
    sources: [...sources],
  };
}

/** A step that has something to say, and where it was taken. */
export interface Said {
  readonly fold: RuleFold;
  readonly outcome: FoldStep<unknown>;
  readonly where: GroupPlace;
}

/** Told of every fold step that a watermark caused, and in which group. */
export type OnStep = (fold: RuleFold, outcome: FoldStep<unknown>, where: GroupPlace) => void;

/** Whose group a step was taken in. */
export interface GroupPlace {
  readonly tenant: string;
  readonly groupKey: string;
}
