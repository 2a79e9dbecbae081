/**
 * Runs one catch-up: walks the steps of MATCHES from where it begins, judges again the frames of those that some rule had no part in,
 * takes all others as they were written, folds both in the log's own order, and at the end hands the states over to the folds that run.
 * Because steps, times and order are those of the log, alerts get the ids and counts that they would have had at the time.
 */
import { setTimeout } from 'node:timers/promises';
import { comparePositions, parsePosition, type StateBucket, type Stored } from '@tocsin/bus';
import { type Clock, type Fields, type FrameView, type Match, type MatchStep, type Position, TocsinError } from '@tocsin/core';
import { matchFrame, type RuleError } from '@tocsin/detect';
import { packedRuleList, readRuleList, rulesOfList } from '../coverage/rule-list.ts';
import { AlertWriter } from '../duties/alert-writer.ts';
import { parseStep, type ReadPositions } from '../duties/partition-progress.ts';
import { putChunked } from '../state/chunked-value.ts';
import { commitUntilStored } from '../state/commit-until-stored.ts';
import { CATCH_UP_SUBJECT, EVENT_LANES, EVENTS_STREAM, MATCHES_FILTER } from '../subjects.ts';
import type { Bus } from '../wire.ts';
import { type CatchUpJob, type FoundAlert, foundKey, statesKey } from './catch-up-job.ts';
import { type CatchUpPoint, readPoint, savePoint } from './catch-up-point.ts';
import type { CatchUpRules } from './catch-up-rules.ts';
import { CaughtUpAlerts } from './caught-up-alerts.ts';
import type { ReadFrame } from './partition-frames.ts';
import { Refold } from './refold.ts';
import { StepFrames } from './step-frames.ts';

/** What a run works with. */
export interface CatchUpGround {
  readonly bus: Pick<Bus, 'commit' | 'read' | 'get' | 'last' | 'info'>;
  readonly bucket: StateBucket;
  /** Bucket of rule lists. */
  readonly lists: StateBucket;
  readonly rules: CatchUpRules;
  readonly fieldsOf: (frame: FrameView, index: number, members?: ReadonlySet<string>) => Fields | undefined;
  readonly clock: Clock;
  readonly onTrouble: (error: unknown, what: string) => void;
  /** Told how far it has come; resolves when that is kept. */
  readonly onProgress: (progress: Pick<CatchUpJob, 'judged' | 'gone' | 'share'>) => Promise<void>;
  readonly signal: AbortSignal;
}

/** What a finished run has to say. */
export interface CatchUpDone {
  readonly doneAt: Position;
  readonly alerts: Pick<CatchUpJob['alerts'], 'raised' | 'changed' | 'confirmed'>;
}

/** Work done in one go, and the pause after it, milliseconds: what is live must not wait for what is past. */
const BUSY_MS = 20;
const PAUSE_MS = 20;
/** How often it is kept how far it has come, milliseconds; and how often that is told. */
const SAVE_EVERY_MS = 2000;
const TELL_EVERY_MS = 500;
/** Steps that may be left to the running folds: they take them again in one go. */
const FEW_STEPS = 64;
/** How long to wait for every partition to be judged by the rules, and how often to look, milliseconds. */
const IN_FORCE_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 100;

/** Runs until the folds go on from its states. Ended before, it goes on from where it was kept last. @throws catchup.failed, bus errors, the abort reason */
export async function runCatchUp(job: CatchUpJob, ground: CatchUpGround): Promise<CatchUpDone> {
  const run = new CatchUpRun(job, ground, await readPoint(ground.bucket, job.id));
  try {
    await run.walk();
    return await run.handOver();
  } finally {
    await run.close();
  }
}

class CatchUpRun {
  readonly #job: CatchUpJob;
  readonly #ground: CatchUpGround;
  readonly #refold: Refold;
  readonly #frames: StepFrames;
  readonly #alerts: CaughtUpAlerts;
  /** By partition: what it has been read of, and the order of its newest step. */
  readonly #reads = new Map<number, ReadPositions>();
  readonly #orders = new Map<number, number>();
  readonly #complete = new Map<string, boolean>();
  #position: Position | undefined;
  #firstSequence = 0;
  #judged = 0;
  #gone = 0;
  #busySinceMs: number;
  #nextSaveMs: number;
  #nextTellMs = 0;
  /** Where it walks to at present. */
  #end: Position | undefined;
  /** Where its note stands on MATCHES, when it was written before and nobody had time to say so. */
  #notedAt: Position | undefined;

  constructor(job: CatchUpJob, ground: CatchUpGround, point: CatchUpPoint | undefined) {
    const { bus, clock, signal, onTrouble, rules } = ground;
    this.#job = job;
    this.#ground = ground;
    this.#refold = new Refold({ rules, tenant: job.tenant, revision: job.revision, states: point?.states });
    this.#frames = new StepFrames({ log: bus, signal }, (frame) => isSelected(job, frame));
    this.#alerts = new CaughtUpAlerts(bus, new AlertWriter({ bus, onTrouble, giveUp: signal }));
    this.#busySinceMs = clock.monotonicMs();
    this.#nextSaveMs = clock.monotonicMs() + SAVE_EVERY_MS;
    for (const [partition, read] of point?.reads ?? []) this.#reads.set(partition, read);
    if (point === undefined) return;
    this.#position = point.position;
    this.#firstSequence = point.firstSequence;
    this.#judged = point.judged;
    this.#gone = point.gone;
    for (const [partition, order] of point.orders) this.#orders.set(partition, order);
    this.#frames.restore(point.ranges);
    this.#alerts.restore(point.alerts, point.found);
  }

  /**
   * Folds everything up to the end of MATCHES, where every partition is judged by the rules; or to its own note where that stands there:
   * what is behind it is the running folds'.
   */
  async walk(): Promise<void> {
    const { bus, clock, signal } = this.#ground;
    const deadlineMs = clock.monotonicMs() + IN_FORCE_WITHIN_MS;
    for (;;) {
      const { last, messages } = await bus.info(MATCHES_FILTER);
      const steps = last === undefined || messages === 0 ? 0 : await this.#walkTo(last);
      if (this.#notedAt !== undefined) return;
      const behind = [...this.#orders].find(([, order]) => order < this.#job.order)?.[0];
      if (behind === undefined && steps <= FEW_STEPS) return;
      if (behind !== undefined && steps <= FEW_STEPS) {
        if (clock.monotonicMs() > deadlineMs) throw failed(this.#job, `partition ${behind} is not judged by the rule set in force`);
        await setTimeout(LOOK_EVERY_MS, undefined, { signal });
        await this.#tellIfDue();
      }
    }
  }

  /**
   * States first, then alerts, then the note by which the folds take over: whoever dies in between does the rest again. The note points at the
   * states as they are here, and is written once: one that another run of this catch-up has written stays the only one.
   */
  async handOver(): Promise<CatchUpDone> {
    const { bucket, onProgress } = this.#ground;
    const { id } = this.#job;
    if (this.#position === undefined) throw failed(this.#job, 'the log has no steps to judge anything by');
    if (this.#notedAt === undefined) await putChunked(bucket, statesKey(id, this.#position), this.#refold.encode());
    await this.#alerts.write(() => this.#tellIfDue());
    await putChunked(bucket, foundKey(id), Buffer.from(JSON.stringify(this.#alerts.found satisfies readonly FoundAlert[])));
    // Whoever has taken it over meanwhile writes the note.
    await this.#tell();
    const doneAt = this.#notedAt ?? (await this.#note(this.#position));
    await onProgress({ judged: this.#judged, gone: this.#gone, share: 1 });
    return { doneAt, alerts: this.#alerts.counts() };
  }

  /** Says on MATCHES that the folds go on from the states. */
  async #note(upTo: Position): Promise<Position> {
    const { bus, rules, signal, onTrouble } = this.#ground;
    const { id, tenant, ruleSet, order, revision } = this.#job;
    const none = { partition: -1, epoch: id, read: {}, watermarks: {}, judged: 0, duplicates: 0, matches: [] };
    const note = { job: id, tenant, rules: rules.targets, upTo, revision, ranges: this.#frames.ranges };
    const step: MatchStep = { ...none, ruleSet, order, origin: 'catch-up', caughtUp: note };
    const onRetry = (error: TocsinError): void => onTrouble(error, 'saying that a catch-up is done');
    const messages = [{ subject: CATCH_UP_SUBJECT, id: `catch-up.${id}`, body: Buffer.from(JSON.stringify(step)) }];
    const [written] = await commitUntilStored(bus, messages, { signal, onRetry });
    if (written === undefined) throw failed(this.#job, 'the bus did not say where its note stands');
    return written.position;
  }

  async close(): Promise<void> {
    await this.#frames[Symbol.asyncDispose]();
  }

  /** Steps that were taken. */
  async #walkTo(last: Position): Promise<number> {
    const { bus, signal } = this.#ground;
    if (this.#position !== undefined && comparePositions(this.#position, last) >= 0) return 0;
    const start = this.#position === undefined ? new Date(this.#job.startMs) : { after: this.#position };
    let steps = 0;
    this.#end = last;
    for await (const stored of bus.read(MATCHES_FILTER, start, { until: last, signal })) {
      if (this.#position === undefined) this.#begin(stored);
      await this.#take(stored);
      if (this.#notedAt !== undefined) break;
      this.#position = stored.position;
      steps += 1;
      await this.#rest();
      await this.#saveIfDue();
    }
    return steps;
  }

  /** Where the partitions stood before the first step. */
  #begin(first: Stored): void {
    this.#firstSequence = parsePosition(first.position).sequence;
    for (const { partition, read } of this.#job.marks)
      this.#reads.set(
        partition,
        Object.fromEntries(
          EVENT_LANES.flatMap((lane) => {
            const position = read[EVENTS_STREAM[lane]];
            return position === undefined ? [] : [[lane, position]];
          }),
        ),
      );
  }

  async #take(stored: Stored): Promise<void> {
    const step = parseStep(stored);
    if (step.caughtUp?.job === this.#job.id) this.#notedAt = stored.position;
    if (step.caughtUp !== undefined) return;
    const isMissed = step.order !== undefined && step.origin === undefined && !(await this.#isComplete(step.ruleSet));
    const changed = isMissed ? this.#refold.advance(await this.#judgedAgain(step, stored), 'catch-up') : this.#refold.advance(step);
    await this.#alerts.take(changed);
    if (step.order === undefined) return;
    this.#reads.set(step.partition, { ...this.#reads.get(step.partition), ...step.read });
    this.#orders.set(step.partition, step.order);
  }

  /** The step as it would have been, had these rules judged it. */
  async #judgedAgain(step: MatchStep, { storedMs }: Stored): Promise<MatchStep> {
    const before = this.#reads.get(step.partition) ?? {};
    const { frames, gone } = await this.#frames.of({ step, before, storedMs });
    this.#gone += gone;
    const setAside = new Set((step.setAside ?? []).map(({ position, index }) => `${position}#${index}`));
    const matches: Match[] = [];
    for (const frame of frames) {
      matches.push(...this.#judge(frame, setAside));
      await this.#rest();
    }
    return { ...step, matches, ruleSet: this.#job.ruleSet };
  }

  #judge({ fed, verdicts }: ReadFrame, setAside: ReadonlySet<string>): Match[] {
    const { rules, fieldsOf, onTrouble } = this.#ground;
    const { frame, position } = fed;
    if (frame === undefined || fed.tenant !== this.#job.tenant) return [];
    this.#judged += verdicts.filter((verdict) => verdict !== 'duplicate').length;
    return matchFrame(rules.compiled, frame, position, {
      fieldsOf,
      // What ended a thread then is not tried again here.
      skip: (index) => verdicts[index] === 'duplicate' || setAside.has(`${position}#${index}`),
      onRuleError: ({ ruleId, at, cause }: RuleError) => onTrouble(cause, `judging ${at.position}#${at.index} again by rule ${ruleId}`),
    });
  }

  /** Whether every rule that matters was in force, so that what the step says of them is all there is to say. */
  async #isComplete(ruleSet: string): Promise<boolean> {
    const known = this.#complete.get(ruleSet);
    if (known !== undefined) return known;
    const { lists, rules } = this.#ground;
    const packed = ruleSet === this.#job.ruleSet ? undefined : await packedRuleList(lists, ruleSet);
    const listed = packed && rulesOfList(readRuleList(packed), this.#job.tenant);
    const isThere = ({ id, version }: { id: string; version: string }): boolean => {
      const [, was, state] = listed?.get(id) ?? [];
      return state === 'active' && (was === version || !this.#job.otherVersions);
    };
    const isComplete = ruleSet === this.#job.ruleSet || rules.needed.every(isThere);
    this.#complete.set(ruleSet, isComplete);
    return isComplete;
  }

  /** Lets others work, and tells how far it has come. */
  async #rest(): Promise<void> {
    const { clock, signal } = this.#ground;
    signal.throwIfAborted();
    if (clock.monotonicMs() - this.#busySinceMs >= BUSY_MS) {
      await setTimeout(PAUSE_MS, undefined, { signal });
      this.#busySinceMs = clock.monotonicMs();
    }
    await this.#tellIfDue();
  }

  /** Who is silent for long is taken for gone: told at every wait, or another begins the same work. */
  async #tellIfDue(): Promise<void> {
    if (this.#ground.clock.monotonicMs() >= this.#nextTellMs) await this.#tell();
  }

  async #tell(): Promise<void> {
    this.#nextTellMs = this.#ground.clock.monotonicMs() + TELL_EVERY_MS;
    const now = this.#position === undefined ? this.#firstSequence : parsePosition(this.#position).sequence;
    const end = this.#end === undefined ? now : parsePosition(this.#end).sequence;
    const whole = Math.max(1, end - this.#firstSequence);
    const share = Math.min(0.99, (now - this.#firstSequence) / whole);
    await this.#ground.onProgress({ judged: this.#judged, gone: this.#gone, share });
  }

  /** Keeps how far it has come. Between two steps only can that be kept. */
  async #saveIfDue(): Promise<void> {
    const { clock } = this.#ground;
    if (clock.monotonicMs() < this.#nextSaveMs) return;
    await this.#save();
    this.#nextSaveMs = clock.monotonicMs() + SAVE_EVERY_MS;
  }

  async #save(): Promise<void> {
    if (this.#position === undefined || !this.#frames.isSettled) return;
    await savePoint(this.#ground.bucket, this.#job.id, {
      position: this.#position,
      firstSequence: this.#firstSequence,
      reads: [...this.#reads],
      orders: [...this.#orders],
      ranges: this.#frames.ranges,
      judged: this.#judged,
      gone: this.#gone,
      alerts: this.#alerts.held,
      found: this.#alerts.found,
      states: this.#refold.encode(),
    });
  }
}

/** Whether a frame is of the stretch that was asked for. */
function isSelected({ fromMs, toMs }: CatchUpJob, { fed }: ReadFrame): boolean {
  if (fed.frame === undefined) return false;
  const { minTimeMs, maxTimeMs } = fed.frame.header;
  return maxTimeMs >= (fromMs ?? Number.NEGATIVE_INFINITY) && minTimeMs < (toMs ?? Number.POSITIVE_INFINITY);
}

function failed({ id }: CatchUpJob, reason: string): TocsinError {
  return new TocsinError('catchup.failed', { id, reason });
}
