/**
 * One replay from where it stands to its end: matcher and folds as they run live, over part of the log, by its own clock and rules, into its
 * own namespace. Its match steps are its checkpoint: it goes on behind the last of them, and its folds are made anew from them.
 */
import { comparePositions } from '@tocsin/bus';
import { type Position, systemClock } from '@tocsin/core';
import { DetectorSelection } from '@tocsin/detect';
import { createFieldsReader, fieldsOf, type MappingSet } from '@tocsin/ingest';
import { createDrop } from '../deadletters/drop.ts';
import { runCorrelator } from '../duties/correlator.ts';
import type { FrameFeedOptions, FrameInput } from '../duties/frame-feed.ts';
import type { DetectorGround } from '../duties/isolation/detector-ground.ts';
import type { SandboxLimits } from '../duties/isolation/sandbox.ts';
import { runMatcher } from '../duties/matcher.ts';
import { firstFrame } from '../duties/partition-progress.ts';
import { type ReadByPartition, ReadUpTo } from '../duties/read-up-to.ts';
import { TICK_MS } from '../duties/tick.ts';
import { openProgramCache } from '../hunt/program-cache.ts';
import { matchesSubject } from '../subjects.ts';
import type { Bus, Surroundings } from '../wire.ts';
import { EventChoice } from './event-choice.ts';
import { compileConditions } from './field-conditions.ts';
import { forgetfulBucket } from './forgetful-bucket.ts';
import { ReplayBus } from './replay-bus.ts';
import { ReplayClock } from './replay-clock.ts';
import { ReplayFeed } from './replay-feed.ts';
import type { ReplayOrder, ReplayRange } from './replay-order.ts';
import type { ReplayProgress } from './replay-progress.ts';
import { resolveRange } from './replay-range.ts';
import { openRunRules } from './replay-rules.ts';

/** What a replay runs with. */
export interface RunReplayOptions {
  readonly bus: Bus;
  readonly order: ReplayOrder;
  /** Its range, where it began before. */
  readonly range: ReplayRange | undefined;
  readonly progress: ReplayProgress;
  readonly mappings: MappingSet;
  readonly detectors: DetectorGround;
  readonly around: Surroundings;
  readonly bounds: ReplayBounds;
}

/** Bounds and habits that the settings give. */
export interface ReplayBounds {
  readonly partitions: number;
  readonly idleAfterMs: number;
  readonly latenessMs: number;
  readonly maxBytes: number;
  readonly sandbox: SandboxLimits;
  /** Folder for what takes long to make of rules. */
  readonly cacheFolder: string;
}

/** Time of receipt between two looks at idle sources at most, milliseconds, and how many there are at least while a source becomes idle. */
const LONGEST_SPAN_MS = 60_000;
const LOOKS_PER_IDLE = 5;
/** How long a change of an alert may wait for further ones, milliseconds. */
const UPDATE_EVERY_MS = 100;

/** Resolves with true when everything of the range is judged and folded, with false where it was stopped. @throws replay.*, bus.* */
export async function runReplay(options: RunReplayOptions): Promise<boolean> {
  const { bus, order, around, bounds, progress, mappings } = options;
  const range = options.range ?? (await resolveRange(bus, order.spec, around.clock.nowMs()));
  const rules = await openRunRules(bus, {
    tenant: order.tenant,
    run: order.id,
    logSources: mappings.logSources(),
    latenessMs: bounds.latenessMs,
    programs: openProgramCache({ folder: bounds.cacheFolder, onIgnored: () => undefined }),
  });
  const clock = new ReplayClock(range.startMs);
  const own = new ReplayBus({ bus, tenant: order.tenant, run: order.id, range, clock, maxBytes: bounds.maxBytes });
  const stoodAtMs = await own.recount(around.signal);
  await progress.begin({ range, clock, ruleSet: rules.hash, counts: () => own.counts });
  const input = createInput(options, { own, clock, range, stoodAtMs });
  const folded = new FoldedSteps(bounds.partitions, (asked) => firstFrame(own, asked));
  const stopFolding = new AbortController();
  const shared = { ...around, bus: own, drop: createDrop({ ...around, bus: own }) };
  const folding = runCorrelator({
    ...shared,
    manifests: forgetfulBucket,
    ruleSets: forgetfulBucket,
    setAside: forgetfulBucket,
    bookOf: () => rules,
    logSources: mappings.logSources(),
    folding: options.detectors,
    latenessMs: bounds.latenessMs,
    readUpTo: folded,
    onWaiting: () => undefined,
    // Nobody watches: what waits for further changes only holds up the end.
    updateEveryMs: UPDATE_EVERY_MS,
    signal: AbortSignal.any([around.signal, stopFolding.signal]),
  });
  const read = createFieldsReader();
  const matching = runMatcher({
    ...shared,
    clock,
    input,
    partitions: bounds.partitions,
    idleAfterMs: bounds.idleAfterMs,
    epoch: around.nextId(),
    rules: () => rules,
    fieldsOf: (frame, index, members) => read(mappings.formatOf(frame.mapping(index)) ?? 'json', frame.record(index), members),
    isolation: isolationOf(options),
  });
  // Whichever fails first is what it failed with.
  await Promise.race([matching, folding.then(() => matching)]);
  const isOver = input.isOver && !around.signal.aborted;
  if (isOver) await Promise.race([folded.reachedStep(await lastStep(own, bounds.partitions)), folding]);
  stopFolding.abort();
  await folding;
  return isOver && !around.signal.aborted;
}

interface RunGround {
  readonly own: ReplayBus;
  readonly clock: ReplayClock;
  readonly range: ReplayRange;
  /** Where its clock stood when it was last written; undefined where nothing was. */
  readonly stoodAtMs: number | undefined;
}

function createInput(
  { order, mappings, around, bounds, progress }: RunReplayOptions,
  { own, clock, range, stoodAtMs }: RunGround,
): FrameInput {
  const choice = new EventChoice({
    spec: order.spec,
    conditions: compileConditions(order.spec.where, mappings.logSources()),
    fieldsOf: (frame, index) => fieldsOf(mappings.formatOf(frame.mapping(index)) ?? 'json', frame.record(index)),
    onTrouble: around.onTrouble,
  });
  const spanMs = Math.max(TICK_MS, Math.min(LONGEST_SPAN_MS, bounds.idleAfterMs / LOOKS_PER_IDLE));
  let feed: ReplayFeed | undefined;
  return {
    open(reading: FrameFeedOptions) {
      // Only now: what is restored before is restored as of the beginning.
      if (stoodAtMs !== undefined) clock.advance(stoodAtMs);
      feed = new ReplayFeed(
        {
          log: own,
          choice,
          clock,
          endMs: range.endMs,
          speed: order.spec.speed,
          spanMs,
          realTime: systemClock,
          onFrame: (lane, position) => progress.note(lane, position),
        },
        reading,
      );
      return feed;
    },
    choose: (fed, frame) => choice.choose(fed, frame),
    get isOver() {
      return feed?.isOver === true;
    },
  };
}

/** What ends a thread is set aside as it is live; nothing is judged again beside, since nobody waits for it. */
function isolationOf({ detectors, bounds, mappings }: RunReplayOptions) {
  const logSources = mappings.logSources();
  return {
    box: detectors.box,
    suspects: detectors.suspects,
    limits: bounds.sandbox,
    tryAgain: () => Promise.resolve(),
    detectors: new DetectorSelection(detectors.detectors, logSources, detectors.quarantined),
    detectorFiles: detectors.files,
    logSources,
  };
}

/** The last step of all; undefined where nothing was written. */
async function lastStep(own: ReplayBus, partitions: number): Promise<Position | undefined> {
  const steps = await Promise.all(Array.from({ length: partitions }, (_, partition) => own.last(matchesSubject(partition))));
  return steps
    .flatMap((stored) => (stored === undefined ? [] : [stored.position]))
    .reduce<Position | undefined>((last, one) => (last === undefined || comparePositions(last, one) < 0 ? one : last), undefined);
}

/** How far steps are folded and their alerts written. */
class FoldedSteps extends ReadUpTo {
  readonly #reached = Promise.withResolvers<void>();
  #wanted: Position | undefined;

  override advance(read: ReadByPartition, step?: Position): void {
    super.advance(read, step);
    this.#look();
  }

  /** Resolves when everything up to a step is folded. */
  async reachedStep(step: Position | undefined): Promise<void> {
    if (step === undefined) return;
    this.#wanted = step;
    this.#look();
    await this.#reached.promise;
  }

  #look(): void {
    if (this.#wanted !== undefined && this.steps !== undefined && comparePositions(this.steps, this.#wanted) >= 0) this.#reached.resolve();
  }
}
