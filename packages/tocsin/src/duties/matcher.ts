/**
 * The matcher's loop: frames in, match steps out. It reads each partition in order, leaves out duplicates, lets the rules
 * judge, and writes one step per partition and round, expecting that nobody else has written since. It never nacks: what
 * cannot be read or judged is dead-lettered and passed.
 */
import type { EventBus, Outgoing, Published, ReplayLog } from '@tocsin/bus';
import type { Clock, Fields, FrameView, Match, MatchStep } from '@tocsin/core';
import { matchFrame } from '@tocsin/detect';
import type { RuleBook } from '../rules/rule-book.ts';
import { commitUntilStored } from '../state/commit-until-stored.ts';
import { deadLetterSubject, matchesSubject } from '../subjects.ts';
import { type FedFrame, openFrameFeed } from './frame-feed.ts';
import { type PartitionProgress, type Progress, restoreProgress, startOf } from './partition-progress.ts';
import { TICK_MS } from './tick.ts';

/** What the matcher is made of. */
export interface MatcherOptions {
  readonly bus: Pick<EventBus, 'commit'> & ReplayLog;
  readonly partitions: number;
  /** Identity of this owner; ULID. */
  readonly epoch: string;
  readonly clock: Clock;
  /** Rule set in force; asked once a round, so that each event is judged by exactly one. */
  readonly rules: () => RuleBook;
  /** Decoded fields of an event, undefined where its bytes can no longer be read. */
  readonly fieldsOf: (frame: FrameView, index: number) => Fields | undefined;
  readonly onTrouble: (error: unknown, what: string) => void;
  /** Stops reading; what was read is still finished. */
  readonly signal: AbortSignal;
  /** Stops trying to write. */
  readonly giveUp: AbortSignal;
}

/** Frames judged in one round at most. */
const ROUND_FRAMES = 64;
/** Event time that one step may span before the next begins, milliseconds; a single frame may span more. */
const STEP_SPAN_MS = 60_000;

/** Runs until aborted. @throws bus.fenced when another owner has taken a partition over */
export async function runMatcher(options: MatcherOptions): Promise<void> {
  const progress = await restoreProgress(options.bus, { count: options.partitions, nowMs: options.clock.nowMs() });
  const matcher = new Matcher(options, progress);
  const feed = openFrameFeed(options.bus, (lane) => startOf(progress, lane), options.signal);
  while (!feed.finished) await matcher.round(await feed.take(ROUND_FRAMES, TICK_MS));
}

/** What a round has found for one partition. */
interface Tally {
  judged: number;
  duplicates: number;
  readonly matches: Match[];
  /** Earliest event time, milliseconds since 1970. */
  readonly sinceMs: number;
}

class Matcher {
  readonly #options: MatcherOptions;
  readonly #progress: Progress;
  #nextTickMs: number;
  #steps = 0;

  constructor(options: MatcherOptions, progress: Progress) {
    this.#options = options;
    this.#progress = progress;
    this.#nextTickMs = options.clock.nowMs() + TICK_MS;
  }

  /** Judges these frames, then writes a step for each partition they touch or whose idle sources have moved on. */
  async round(frames: readonly FedFrame[]): Promise<void> {
    const rules = this.#options.rules();
    const tallies = new Map<number, Tally>();
    const steps: Outgoing[] = [];
    for (const fed of frames) {
      const tally = tallies.get(fed.partition) ?? { judged: 0, duplicates: 0, matches: [], sinceMs: fed.frame?.header.minTimeMs ?? 0 };
      tallies.set(fed.partition, tally);
      await this.#judge(fed, rules, tally);
      this.#progress.read[fed.lane] = fed.position;
      const partition = this.#progress.partitions[fed.partition];
      // History arrives days at a time: folds must see time pass between its events, not after all of them.
      if (partition && fed.frame && fed.frame.header.maxTimeMs - tally.sinceMs > STEP_SPAN_MS) {
        steps.push(this.#step(partition, rules.hash, { tally, ticking: false }));
        tallies.delete(fed.partition);
      }
    }
    const ticking = this.#tick();
    for (const partition of this.#progress.partitions) {
      const tally = tallies.get(partition.partition);
      if (tally || ticking.has(partition)) steps.push(this.#step(partition, rules.hash, { tally, ticking: ticking.has(partition) }));
    }
    if (steps.length > 0) await this.#write(steps);
  }

  async #judge(fed: FedFrame, rules: RuleBook, tally: Tally): Promise<void> {
    if (!fed.frame) return this.#deadLetter(fed, fed.unreadable ?? 'it is no frame');
    const { frame } = fed;
    const verdicts = this.#progress.dedup.judge(fed.lane, frame);
    try {
      const found = matchFrame(rules.compiledFor(fed.tenant), frame, fed.position, {
        fieldsOf: this.#options.fieldsOf,
        skip: (index) => verdicts[index] === 'duplicate',
        onRuleError: ({ ruleId, at, cause }) => this.#options.onTrouble(cause, `rule ${ruleId} at ${at.position}#${at.index}`),
      });
      for (const match of found) tally.matches.push(match);
    } catch (error) {
      this.#options.onTrouble(error, `frame ${frame.header.id}`);
      await this.#deadLetter(fed, String(error));
    }
    const duplicates = verdicts.filter((verdict) => verdict === 'duplicate').length;
    tally.duplicates += duplicates;
    tally.judged += frame.header.count - duplicates;
    this.#observe(fed.partition, frame);
  }

  #observe(partition: number, frame: FrameView): void {
    const watermarks = this.#progress.partitions[partition]?.watermarks;
    for (let i = 0; i < frame.header.count; i++) {
      watermarks?.observe(`${frame.header.tenant}/${frame.source(i)}`, frame.timeMs(i), frame.receivedMs(i));
    }
  }

  /** Partitions whose idle sources have moved on, at most once per tick. */
  #tick(): ReadonlySet<PartitionProgress> {
    const nowMs = this.#options.clock.nowMs();
    if (nowMs < this.#nextTickMs) return new Set();
    this.#nextTickMs = nowMs + TICK_MS;
    return new Set(this.#progress.partitions.filter((partition) => partition.watermarks.tick(nowMs)));
  }

  #step(partition: PartitionProgress, ruleSet: string, { tally, ticking }: { tally: Tally | undefined; ticking: boolean }): Outgoing {
    const step: MatchStep = {
      partition: partition.partition,
      epoch: this.#options.epoch,
      read: { ...this.#progress.read },
      watermarks: ticking ? partition.watermarks.all() : partition.watermarks.takeChanged(),
      ruleSet,
      judged: tally?.judged ?? 0,
      duplicates: tally?.duplicates ?? 0,
      matches: tally?.matches ?? [],
    };
    this.#steps += 1;
    return {
      subject: matchesSubject(partition.partition),
      id: `${this.#options.epoch}.${this.#steps}`,
      body: Buffer.from(JSON.stringify(step)),
    };
  }

  async #write(steps: readonly Outgoing[]): Promise<void> {
    const first = new Set<string>();
    // Within one atomic commit the first step of a partition carries the expectation for those behind it.
    const fenced = steps.map((step) => {
      if (first.has(step.subject)) return step;
      first.add(step.subject);
      return { ...step, expect: this.#progress.partitions[Number(step.subject.split('.')[2])]?.last };
    });
    const published = await this.#commit(fenced);
    for (const { subject, position } of published) {
      const partition = this.#progress.partitions[Number(subject.split('.')[2])];
      if (partition) partition.last = position;
    }
  }

  #commit(messages: readonly Outgoing[]): Promise<Published[]> {
    const { bus, giveUp, onTrouble } = this.#options;
    return commitUntilStored(bus, messages, { signal: giveUp, onRetry: (error) => onTrouble(error, 'writing match steps') });
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
