/**
 * The matcher's loop: frames in, match steps out. It reads each partition it owns in order, leaves out duplicates, lets the
 * rules judge, and writes one step per partition and round, expecting that nobody else has written since. It never nacks: what
 * cannot be read or judged is dead-lettered and passed. Who owns what is agreed upon elsewhere; a partition that somebody else
 * has written to is given up here and taken up again from the log.
 */
import { comparePositions, type EventBus, type Outgoing, type Published, type ReplayLog, type Start } from '@tocsin/bus';
import { type Clock, type Fields, type FrameView, isTocsinError, type Lane, type TocsinError } from '@tocsin/core';
import type { DeadLetter } from '../deadletters/dead-letter.ts';
import type { Drop } from '../deadletters/drop.ts';
import type { EventSamples } from '../rules/event-samples.ts';
import type { RuleBook } from '../rules/rule-book.ts';
import type { RuleCosts } from '../rules/rule-costs.ts';
import { commitUntilStored } from '../state/commit-until-stored.ts';
import { untilAnswered } from '../state/until-answered.ts';
import { MATCH_CONSUMER } from '../topology.ts';
import { FrameDedup } from './frame-dedup.ts';
import { type FedFrame, type FrameFeed, type FrameInput, openFrameFeed } from './frame-feed.ts';
import { FrameJudge, type Isolation, type JudgedFrame } from './isolation/frame-judge.ts';
import { type RedriveDesk, RedrivenEvents } from './isolation/redriven-events.ts';
import { LanesRead } from './lanes-read.ts';
import { type Ownership, ownsAll } from './ownership.ts';
import { furthest, observeTimes, type PartitionProgress, type ReadPositions, restorePartitions, startOf } from './partition-progress.ts';
import { StepDrafts } from './step-draft.ts';
import { TICK_MS } from './tick.ts';

/** What the matcher is made of. */
export interface MatcherOptions {
  readonly bus: Pick<EventBus, 'commit' | 'subscribe'> & ReplayLog;
  /** The door for what cannot be judged. */
  readonly drop: Drop;
  /** Keeps apart what ends threads, and asks detectors; neither where absent. */
  readonly isolation?: Isolation | undefined;
  readonly partitions: number;
  /** A source that has sent nothing for this long is idle, milliseconds. */
  readonly idleAfterMs: number;
  /** Identity of this owner; ULID. */
  readonly epoch: string;
  readonly clock: Clock;
  /** Rule set in force; asked once a round, so that each event is judged by exactly one. */
  readonly rules: () => RuleBook;
  /** Order number of the rule set in force, and a promise that one of at least such an order is; 0 and at once where sets have no order. */
  readonly order?: (() => number) | undefined;
  readonly orderReached?: ((order: number) => Promise<void>) | undefined;
  /** Which partitions are its own; all of them where absent. */
  readonly ownership?: Ownership | undefined;
  /** What is read; the lanes as they grow where absent. */
  readonly input?: FrameInput | undefined;
  /** Told after each round how long before now the frame judged last was stored, milliseconds; 0 when there is nothing left to read. */
  readonly onBehind?: ((behindMs: number) => void) | undefined;
  /** Decoded fields of an event, undefined where its bytes can no longer be read; with `members`, others may be missing. */
  readonly fieldsOf: (frame: FrameView, index: number, members?: ReadonlySet<string>) => Fields | undefined;
  /** Where the cost of a tenant's rules under a rule set is counted. */
  readonly costs?: RuleCosts | undefined;
  /** Where a few events of each mapping are kept. */
  readonly samples?: EventSamples | undefined;
  readonly onTrouble: (error: unknown, what: string, about?: Readonly<Record<string, unknown>>) => void;
  /** Stops reading; what was read is still finished. */
  readonly signal: AbortSignal;
  /** Stops trying to write. */
  readonly giveUp: AbortSignal;
}

/** Frames judged in one round at most, and bytes of matches after which a round is written before it goes on. */
const ROUND_FRAMES = 64;
const COMMIT_BYTES = 8 << 20;
/** Event time that one step may span before the next begins, milliseconds; a single frame may span more. */
const STEP_SPAN_MS = 60_000;
/** A partition that nothing was written for is written down anew when so much time has passed: its next owner need not look further back. */
const WRITE_DOWN_MS = 600_000;

/** By what a round is judged. */
interface RulesInForce {
  readonly hash: string;
  readonly order: number;
}

/** Runs until aborted. */
export async function runMatcher(options: MatcherOptions): Promise<void> {
  const { ownership = ownsAll(options.partitions), signal, onTrouble } = options;
  const redriven = new RedrivenEvents({ ...options, nowMs: () => options.clock.nowMs() });
  const matcher = new Matcher(options, ownership, redriven);
  const onRetry = (error: TocsinError): void => onTrouble(error, 'taking partitions up');
  let nudge = (): void => undefined;
  const off = ownership.onChange(() => nudge());
  try {
    for (let isOver = false; !signal.aborted && !isOver; ) {
      const ended = new AbortController();
      const takeUp = (): Promise<FrameFeed> => matcher.takeUp(AbortSignal.any([signal, ended.signal]));
      isOver = await untilAnswered(takeUp, { signal, onRetry })
        .then((feed) => {
          nudge = () => feed.nudge();
          return matchUntilChange(matcher, feed);
        })
        .then(() => options.input?.isOver === true)
        .catch((error: unknown) => startOver(matcher, error, options))
        .finally(() => ended.abort());
    }
  } finally {
    off();
  }
}

/** Matches what is owned until that changes or nothing more comes. */
async function matchUntilChange(matcher: Matcher, feed: FrameFeed): Promise<void> {
  while (!feed.finished && matcher.isOwnershipSettled()) await matcher.round(await feed.take(ROUND_FRAMES, TICK_MS));
}

/** Another owner has written, or the bus was away for longer than anybody waits: what is judged is read from the log again. False: it is not over. */
function startOver(matcher: Matcher, error: unknown, { signal, onTrouble }: Pick<MatcherOptions, 'signal' | 'onTrouble'>): false {
  if (signal.aborted && error === signal.reason) return false;
  if (!isTocsinError(error) || (error.retry === 'never' && error.code !== 'bus.fenced')) throw error;
  onTrouble(error, error.code === 'bus.fenced' ? 'writing match steps: another owner has written' : 'matching');
  matcher.forgetAll();
  return false;
}

class Matcher {
  readonly #options: MatcherOptions;
  readonly #ownership: Ownership;
  readonly #owned = new Map<number, PartitionProgress>();
  readonly #dedup = new FrameDedup();
  readonly #drafts = new StepDrafts();
  /** Earliest event time in each partition's step, milliseconds since 1970. */
  readonly #sinceMs = new Map<number, number>();
  readonly #judgeFrame: FrameJudge;
  readonly #redriven: RedrivenEvents;
  readonly #lanes: LanesRead;
  #nextTickMs: number;
  #nextWriteDownMs: number;
  #steps = 0;

  constructor(options: MatcherOptions, ownership: Ownership, redriven: RedrivenEvents) {
    this.#options = options;
    this.#ownership = ownership;
    this.#redriven = redriven;
    this.#lanes = new LanesRead(options);
    this.#judgeFrame = new FrameJudge({ ...options, nowMs: () => options.clock.nowMs() });
    this.#nextTickMs = this.#steadyMs() + TICK_MS;
    this.#nextWriteDownMs = options.clock.monotonicMs() + WRITE_DOWN_MS;
  }

  /** Whether what is held is what should be. */
  isOwnershipSettled(): boolean {
    const { release, take } = this.#ownership.plan(new Set(this.#owned.keys()));
    return release.length === 0 && take.length === 0;
  }

  /** Lets go of what is no longer its own, takes what is by now, and opens a feed of everything of it that has not been judged. */
  async takeUp(signal: AbortSignal): Promise<FrameFeed> {
    await this.#settleOwnership();
    return await this.#openFeed(signal);
  }

  /** Everything judged must be written. */
  async #settleOwnership(): Promise<void> {
    const { release, take } = this.#ownership.plan(new Set(this.#owned.keys()));
    for (const partition of release) this.#forget(partition);
    if (release.length > 0 || take.length > 0) await this.#ownership.hold([...this.#owned.keys(), ...take]);
    const { bus, partitions, clock, idleAfterMs, rules, orderReached, input } = this.#options;
    const steadyMs = input === undefined ? () => clock.monotonicMs() : undefined;
    const context = { log: bus, dedup: this.#dedup, count: partitions, nowMs: clock.nowMs(), steadyMs, idleAfterMs, input };
    for (const partition of take) this.#dedup.forget(partition);
    const taken = await restorePartitions(context, take);
    // Judged by a newer set before, its events must not be judged by an older one now.
    await orderReached?.(Math.max(0, ...taken.map((own) => own.order)));
    const { hash } = rules();
    for (const own of taken) {
      this.#owned.set(own.partition, own);
      if (own.isFormer || (own.ruleSet !== undefined && own.ruleSet !== hash)) this.#drafts.touch(own.partition);
    }
  }

  /** Gives up everything, judged or not, to be taken again as the log has it. */
  forgetAll(): void {
    this.#drafts.clear();
    this.#sinceMs.clear();
    for (const partition of this.#owned.keys()) this.#forget(partition);
  }

  async #openFeed(signal: AbortSignal): Promise<FrameFeed> {
    const owned = [...this.#owned.values()];
    const { bus, input } = this.#options;
    const [live, bulk] = await Promise.all([startOf(bus, 'live', owned), startOf(bus, 'bulk', owned)]);
    this.#lanes.startAt({ live, bulk });
    const from = (lane: Lane): Start => (lane === 'live' ? live : bulk);
    const options = { from, wants: (partition: number) => this.#owned.has(this.#homeOf(partition)), signal };
    return input?.open(options) ?? openFrameFeed(bus, options);
  }

  /** Judges these frames, then writes a step for each partition they touch or whose idle sources have moved on. */
  async round(frames: readonly FedFrame[]): Promise<void> {
    const rules = this.#options.rules();
    const inForce = { hash: rules.hash, order: this.#options.order?.() ?? 0 };
    this.#markActivation(rules);
    for (const fed of frames) {
      const own = this.#owned.get(this.#homeOf(fed.partition));
      if (own && !isRead(own, fed)) {
        await this.#judge(fed, own, rules);
        own.read = { ...own.read, [fed.lane]: fed.position };
        this.#endLongStep(fed, own);
        // Nothing of a match is a view: a round would otherwise hold the bodies of all its frames.
        fed.frame?.release();
      }
      this.#lanes.note(fed);
      if (this.#drafts.bytes > COMMIT_BYTES) await this.#write(inForce, new Set());
    }
    await this.#write(inForce, await this.#tick());
    await this.#redriven.judgeWaiting(this.#redriveDesk(rules, inForce));
  }

  #forget(partition: number): void {
    this.#owned.delete(partition);
    this.#dedup.forget(partition);
  }

  /** Partition that answers for frames of a number that nobody has. */
  #homeOf(partition: number): number {
    return Number.isInteger(partition) ? partition % this.#options.partitions : 0;
  }

  /** Each partition says where it goes over to another rule set. */
  #markActivation({ hash }: RuleBook): void {
    for (const { partition, ruleSet } of this.#owned.values()) if (ruleSet !== undefined && ruleSet !== hash) this.#drafts.touch(partition);
  }

  async #judge(fed: FedFrame, own: PartitionProgress, rules: RuleBook): Promise<void> {
    const { frame } = fed;
    if (!frame || fed.partition !== own.partition) {
      await this.#deadLetter(fed, fed.unreadable ?? `there is no partition ${fed.partition} here`);
      this.#drafts.touch(own.partition);
      return;
    }
    const verdicts = this.#dedup.judge(fed.lane, frame);
    const isChosen = this.#options.input?.choose(fed, frame);
    const chosen = isChosen === undefined ? verdicts : verdicts.filter((_, index) => isChosen(index));
    if (chosen.length === 0) return;
    const duplicates = chosen.filter((verdict) => verdict === 'duplicate').length;
    const found = await this.#match(fed, frame, { rules, skip: (index) => verdicts[index] === 'duplicate' || isChosen?.(index) === false });
    this.#drafts.add(own.partition, { judged: chosen.length - duplicates, duplicates, ...found });
    observeTimes(own, frame, isChosen);
  }

  #match(
    fed: FedFrame,
    frame: FrameView,
    { rules, skip, redriveOf }: { rules: RuleBook; skip: (index: number) => boolean; redriveOf?: DeadLetter },
  ): Promise<JudgedFrame> {
    // One event of a frame is offered: frames are many, and a frame is mostly of one kind.
    const offered = frame.header.ordinal % frame.header.count;
    this.#options.samples?.offer(fed.tenant, frame.mapping(offered), () => this.#sampleOf(frame, offered));
    const cost = this.#options.costs?.recorder(fed.tenant, rules.hash);
    return this.#judgeFrame.judge({ fed, frame, compiled: rules.compiledFor(fed.tenant), skip, cost, redriveOf });
  }

  /** Fields for people to look at; an event that cannot be read is found when it is judged. */
  #sampleOf(frame: FrameView, index: number): Fields | undefined {
    try {
      return this.#options.fieldsOf(frame, index);
    } catch (error) {
      this.#options.onTrouble(error, `reading a sample of frame ${frame.header.id}`);
      return undefined;
    }
  }

  /** History arrives days at a time: folds must see time pass between its events, not after all of them. */
  #endLongStep({ frame }: FedFrame, { partition, watermarks }: PartitionProgress): void {
    if (!frame) return;
    const sinceMs = this.#sinceMs.get(partition) ?? frame.header.minTimeMs;
    this.#sinceMs.set(partition, sinceMs);
    if (frame.header.maxTimeMs - sinceMs <= STEP_SPAN_MS) return;
    // Its watermarks are those of now: later frames of the round must not move them.
    this.#drafts.cut(partition, watermarks.takeChanged());
    this.#sinceMs.delete(partition);
  }

  /** Partitions whose idle sources have moved on, at most once per tick. */
  async #tick(): Promise<ReadonlySet<PartitionProgress>> {
    const nowMs = this.#options.clock.nowMs();
    const steadyMs = this.#steadyMs();
    if (steadyMs < this.#nextTickMs) return new Set();
    this.#nextTickMs = steadyMs + TICK_MS;
    // The clock of an input goes no further than what it has given out.
    const upToMs = this.#options.input === undefined ? await this.#lanes.upToMs(nowMs) : nowMs;
    this.#options.onBehind?.(nowMs - upToMs);
    this.#writeDown();
    return new Set([...this.#owned.values()].filter(({ watermarks }) => watermarks.tick(upToMs)));
  }

  /** A clock that nobody sets: the machine's own, or that of an input, whose time is the log's. */
  #steadyMs(): number {
    const { clock, input } = this.#options;
    return input === undefined ? clock.monotonicMs() : clock.nowMs();
  }

  /** Lets partitions say now and then how far they are read although nothing came. */
  #writeDown(): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs < this.#nextWriteDownMs) return;
    this.#nextWriteDownMs = nowMs + WRITE_DOWN_MS;
    for (const { partition, last } of this.#owned.values()) if (last !== 'none') this.#drafts.touch(partition);
  }

  async #write(inForce: RulesInForce, ticking: ReadonlySet<PartitionProgress>): Promise<void> {
    const { hash: ruleSet, order } = inForce;
    for (const { partition } of ticking) this.#drafts.touch(partition);
    const steps = this.#drafts.take({
      epoch: this.#options.epoch,
      ruleSet,
      order,
      written: (number) => this.#owned.get(number)?.written ?? {},
      read: (number) => this.#readOf(number),
      watermarks: (number) => {
        const partition = this.#owned.get(number);
        if (!partition) return {};
        return ticking.has(partition) ? partition.watermarks.all() : partition.watermarks.takeChanged();
      },
      nextId: () => `${this.#options.epoch}.${++this.#steps}`,
    });
    this.#sinceMs.clear();
    if (steps.length === 0) return;
    for (const { subject, position } of await this.#commit(this.#fenced(steps))) {
      const partition = this.#partitionOf(subject);
      if (!partition) continue;
      partition.last = position;
      partition.read = partition.written = this.#readOf(partition.partition);
      partition.ruleSet = ruleSet;
      partition.order = order;
    }
  }

  /** Everything of the lanes up to here has been judged of a partition, whether it had any part in it or not. */
  #readOf(number: number): ReadPositions {
    return furthest(this.#owned.get(number)?.read ?? {}, this.#lanes.read);
  }

  /** Within one atomic commit the first step of a partition carries the expectation for those behind it. */
  #fenced(steps: readonly Outgoing[]): Outgoing[] {
    const first = new Set<string>();
    return steps.map((step) => {
      if (first.has(step.subject)) return step;
      first.add(step.subject);
      return { ...step, expect: this.#partitionOf(step.subject)?.last };
    });
  }

  #partitionOf(subject: string): PartitionProgress | undefined {
    return this.#owned.get(Number(subject.split('.')[2]));
  }

  #commit(messages: readonly Outgoing[]): Promise<Published[]> {
    const { bus, giveUp, onTrouble } = this.#options;
    return commitUntilStored(bus, messages, { signal: giveUp, onRetry: (error: TocsinError) => onTrouble(error, 'writing match steps') });
  }

  async #deadLetter({ position, tenant, stored }: FedFrame, reason: string): Promise<void> {
    const { subject, id: messageId, headers, body } = stored;
    const errors = [{ attempt: 1, atMs: this.#options.clock.nowMs(), text: reason }];
    await this.#options.drop(
      { tenant, consumer: MATCH_CONSUMER, kind: 'message', subject, position, messageId, headers, body, errors },
      'unreadable',
    );
  }

  /** What redriven events are judged and written with. */
  #redriveDesk(rules: RuleBook, { hash, order }: RulesInForce): RedriveDesk {
    const { epoch } = this.#options;
    return {
      judge: (fed, frame, redriveOf) => this.#match(fed, frame, { rules, skip: () => false, redriveOf }),
      takesLong: (fed, redriveOf) => this.#judgeFrame.needsSandbox({ fed, redriveOf }),
      blankStep: (partition) => {
        const own = this.#owned.get(partition);
        if (own === undefined) return undefined;
        const none = { watermarks: {}, judged: 0, duplicates: 0, matches: [] };
        return { step: { ...none, partition, epoch, read: own.written, ruleSet: hash, order }, expect: own.last };
      },
      commit: async (messages) => {
        const written = await this.#commit(messages);
        for (const { subject, position, duplicate } of written) {
          const own = this.#partitionOf(subject);
          // A redriven event that was written before stands further back.
          if (own && !(duplicate && own.last !== 'none' && comparePositions(own.last, position) >= 0)) own.last = position;
        }
        return written;
      },
    };
  }
}

function isRead(own: PartitionProgress, { lane, position }: FedFrame): boolean {
  const read = own.read[lane];
  return read !== undefined && comparePositions(read, position) >= 0;
}
