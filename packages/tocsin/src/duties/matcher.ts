/**
 * The matcher's loop: frames in, match steps out. It reads each partition in order, leaves out duplicates, lets the rules
 * judge, and writes one step per partition and round, expecting that nobody else has written since. It never nacks: what
 * cannot be read or judged is dead-lettered and passed.
 */
import { comparePositions, type EventBus, type Outgoing, type Published, type ReplayLog } from '@tocsin/bus';
import {
  type Clock,
  type Fields,
  type FrameView,
  isTocsinError,
  type Lane,
  type Match,
  type MatchStep,
  type TocsinError,
} from '@tocsin/core';
import { matchFrame } from '@tocsin/detect';
import { eventFields } from '../event-fields.ts';
import type { EventSamples } from '../rules/event-samples.ts';
import type { RuleBook } from '../rules/rule-book.ts';
import type { RuleCosts } from '../rules/rule-costs.ts';
import { commitUntilStored } from '../state/commit-until-stored.ts';
import { deadLetterSubject, eventsFilter } from '../subjects.ts';
import { type FedFrame, openFrameFeed } from './frame-feed.ts';
import { observeTimes, type PartitionProgress, type Progress, restoreProgress, startOf } from './partition-progress.ts';
import { StepDrafts } from './step-draft.ts';
import { TICK_MS } from './tick.ts';

/** What the matcher is made of. */
export interface MatcherOptions {
  readonly bus: Pick<EventBus, 'commit'> & ReplayLog;
  readonly partitions: number;
  /** A source that has sent nothing for this long is idle, milliseconds. */
  readonly idleAfterMs: number;
  /** Identity of this owner; ULID. */
  readonly epoch: string;
  readonly clock: Clock;
  /** Rule set in force; asked once a round, so that each event is judged by exactly one. */
  readonly rules: () => RuleBook;
  /** Decoded fields of an event, undefined where its bytes can no longer be read. */
  readonly fieldsOf: (frame: FrameView, index: number) => Fields | undefined;
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
const LANES: readonly Lane[] = ['live', 'bulk'];

/** Runs until aborted. @throws bus.fenced when another owner has taken a partition over */
export async function runMatcher(options: MatcherOptions): Promise<void> {
  const progress = await restoreProgress(options.bus, {
    count: options.partitions,
    nowMs: options.clock.nowMs(),
    idleAfterMs: options.idleAfterMs,
  });
  const matcher = new Matcher(options, progress);
  const ended = new AbortController();
  const feed = openFrameFeed(options.bus, (lane) => startOf(progress, lane), AbortSignal.any([options.signal, ended.signal]));
  try {
    while (!feed.finished) await matcher.round(await feed.take(ROUND_FRAMES, TICK_MS));
  } finally {
    ended.abort();
  }
}

class Matcher {
  readonly #options: MatcherOptions;
  readonly #progress: Progress;
  readonly #drafts = new StepDrafts();
  /** Earliest event time in each partition's step, milliseconds since 1970. */
  readonly #sinceMs = new Map<number, number>();
  /** When the frame read last was stored, by lane; milliseconds since 1970. */
  readonly #storedMs: Partial<Record<Lane, number>> = {};
  #readBefore: MatchStep['read'];
  #nextTickMs: number;
  #steps = 0;

  constructor(options: MatcherOptions, progress: Progress) {
    this.#options = options;
    this.#progress = progress;
    this.#readBefore = { ...progress.read };
    this.#nextTickMs = options.clock.nowMs() + TICK_MS;
  }

  /** Judges these frames, then writes a step for each partition they touch or whose idle sources have moved on. */
  async round(frames: readonly FedFrame[]): Promise<void> {
    const rules = this.#options.rules();
    for (const fed of frames) {
      await this.#judge(fed, rules);
      this.#progress.read[fed.lane] = fed.position;
      this.#storedMs[fed.lane] = fed.stored.storedMs;
      this.#endLongStep(fed);
      if (this.#drafts.bytes > COMMIT_BYTES) await this.#write(rules.hash, new Set());
    }
    await this.#write(rules.hash, await this.#tick());
  }

  async #judge(fed: FedFrame, rules: RuleBook): Promise<void> {
    const { frame } = fed;
    const own = this.#progress.partitions[fed.partition];
    if (!frame || !own) {
      await this.#deadLetter(fed, fed.unreadable ?? `there is no partition ${fed.partition} here`);
      this.#drafts.touch(own?.partition ?? 0);
      return;
    }
    const verdicts = this.#progress.dedup.judge(fed.lane, frame);
    const duplicates = verdicts.filter((verdict) => verdict === 'duplicate').length;
    const matches = await this.#match(fed, frame, { rules, skip: (index) => verdicts[index] === 'duplicate' });
    this.#drafts.add(own.partition, { judged: frame.header.count - duplicates, duplicates, matches });
    observeTimes(own, frame);
  }

  async #match(
    fed: FedFrame,
    frame: FrameView,
    { rules, skip }: { rules: RuleBook; skip: (index: number) => boolean },
  ): Promise<readonly Match[]> {
    const { fieldsOf, onTrouble, samples } = this.#options;
    try {
      // One event of a frame is offered: frames are many, and a frame is mostly of one kind.
      const offered = frame.header.ordinal % frame.header.count;
      samples?.offer(fed.tenant, frame.mapping(offered), () => fieldsOf(frame, offered));
      return matchFrame(rules.compiledFor(fed.tenant), frame, fed.position, {
        fieldsOf,
        skip,
        cost: this.#options.costs?.recorder(fed.tenant, rules.hash),
        onRuleError: ({ ruleId, at, cause }) =>
          onTrouble(cause, `rule ${ruleId} at ${at.position}#${at.index}`, eventFields(frame.event(at.index))),
      });
    } catch (error) {
      onTrouble(error, `frame ${frame.header.id}`);
      await this.#deadLetter(fed, String(error));
      return [];
    }
  }

  /** History arrives days at a time: folds must see time pass between its events, not after all of them. */
  #endLongStep({ partition, frame }: FedFrame): void {
    if (!frame) return;
    const sinceMs = this.#sinceMs.get(partition) ?? frame.header.minTimeMs;
    this.#sinceMs.set(partition, sinceMs);
    if (frame.header.maxTimeMs - sinceMs <= STEP_SPAN_MS) return;
    // Its watermarks are those of now: later frames of the round must not move them.
    this.#drafts.cut(partition, this.#progress.partitions[partition]?.watermarks.takeChanged());
    this.#sinceMs.delete(partition);
  }

  /** Partitions whose idle sources have moved on, at most once per tick. */
  async #tick(): Promise<ReadonlySet<PartitionProgress>> {
    const nowMs = this.#options.clock.nowMs();
    if (nowMs < this.#nextTickMs) return new Set();
    this.#nextTickMs = nowMs + TICK_MS;
    const upToMs = await this.#readUpToMs(nowMs);
    return new Set(this.#progress.partitions.filter((partition) => partition.watermarks.tick(upToMs)));
  }

  /**
   * Time up to which everything stored has been judged. A source whose events still wait to be read is not idle: measured by the clock
   * alone, catching up after a pause would make all of them late.
   */
  async #readUpToMs(nowMs: number): Promise<number> {
    let upToMs = nowMs;
    for (const lane of LANES) {
      try {
        const { last, messages } = await this.#options.bus.info(eventsFilter(lane));
        const read = this.#progress.read[lane];
        if (last === undefined || messages === 0 || (read !== undefined && comparePositions(read, last) >= 0)) continue;
        upToMs = Math.min(upToMs, this.#storedMs[lane] ?? 0);
      } catch (error) {
        if (!isTocsinError(error) || error.retry === 'never') throw error;
        this.#options.onTrouble(error, 'looking how far there is to read');
        return 0;
      }
    }
    return upToMs;
  }

  async #write(ruleSet: string, ticking: ReadonlySet<PartitionProgress>): Promise<void> {
    const { partitions, read } = this.#progress;
    for (const { partition } of ticking) this.#drafts.touch(partition);
    const steps = this.#drafts.take({
      epoch: this.#options.epoch,
      ruleSet,
      readBefore: this.#readBefore,
      read,
      watermarks: (number) => {
        const partition = partitions[number];
        if (!partition) return {};
        return ticking.has(partition) ? partition.watermarks.all() : partition.watermarks.takeChanged();
      },
      nextId: () => `${this.#options.epoch}.${++this.#steps}`,
    });
    this.#sinceMs.clear();
    if (steps.length === 0) return;
    for (const { subject, position } of await this.#commit(this.#fenced(steps))) {
      const partition = this.#partitionOf(subject);
      if (partition) partition.last = position;
    }
    this.#readBefore = { ...read };
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
    return this.#progress.partitions[Number(subject.split('.')[2])];
  }

  #commit(messages: readonly Outgoing[]): Promise<Published[]> {
    const { bus, giveUp, onTrouble } = this.#options;
    return commitUntilStored(bus, messages, { signal: giveUp, onRetry: (error: TocsinError) => onTrouble(error, 'writing match steps') });
  }

  async #deadLetter(fed: FedFrame, reason: string): Promise<void> {
    const { position, tenant, stored } = fed;
    const headers = { 'Tocsin-Reason': toHeader(reason), 'Tocsin-Position': position, 'Tocsin-Subject': stored.subject };
    await this.#commit([{ subject: deadLetterSubject(tenant, 'match'), id: `match.${position}`, headers, body: stored.body }]);
  }
}

/** Header values are printable ASCII; what else a reason holds is shown as `?`. */
function toHeader(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 512);
}
