/**
 * Judging a frame so that no event can hold up another: the frame at once while all goes well; split into its events where it does not; in a
 * process that is thrown away where it has ended a thread before. What cannot be judged becomes a dead letter on its own, and its step says
 * that it was set aside.
 */
import { encodeFrame } from '@tocsin/bus';
import type { EventPosition, Fields, FrameView, LogSource, Match } from '@tocsin/core';
import { type CompiledRules, type DetectorSelection, encodeRules, matchFrame, type RuleCostRecorder, type RuleError } from '@tocsin/detect';
import type { DeadLetter, DropReason } from '../../deadletters/dead-letter.ts';
import type { Drop } from '../../deadletters/drop.ts';
import { eventFields } from '../../event-fields.ts';
import { MATCH_CONSUMER } from '../../topology.ts';
import type { FedFrame } from '../frame-feed.ts';
import type { BlackBox } from './black-box.ts';
import { judgeInSandbox, type SandboxLimits } from './sandbox.ts';
import type { SandboxUnit } from './sandbox-protocol.ts';
import type { Suspect } from './suspect.ts';

/** What is beside rules in judging, and what keeps it apart from the thread. */
export interface Isolation {
  /** What the supervisor sees of the thread. */
  readonly box: BlackBox;
  /** What has ended threads before this one. */
  readonly suspects: readonly Suspect[];
  readonly limits: SandboxLimits;
  readonly detectors: DetectorSelection;
  /** Gives a suspected event to the matcher once more, beside everything else. */
  readonly tryAgain: (letter: DeadLetter, body: Uint8Array) => Promise<void>;
  /** Files of the detectors, in their order. */
  readonly detectorFiles: readonly string[];
  readonly logSources: readonly LogSource[];
}

/** What the judge is made of. */
export interface FrameJudgeOptions {
  readonly drop: Drop;
  readonly isolation?: Isolation | undefined;
  readonly nowMs: () => number;
  readonly fieldsOf: (frame: FrameView, index: number, members?: ReadonlySet<string>) => Fields | undefined;
  readonly onTrouble: (error: unknown, what: string, about?: Readonly<Record<string, unknown>>) => void;
  /** Stops a process that judges suspects. */
  readonly giveUp: AbortSignal;
}

/** A frame to judge. */
export interface JudgeTask {
  readonly fed: FedFrame;
  readonly frame: FrameView;
  readonly compiled: CompiledRules;
  /** Whether to pass over an event, such as a duplicate. */
  readonly skip: (index: number) => boolean;
  readonly cost?: RuleCostRecorder | undefined;
  /** The dead letter that the frame was redriven from. */
  readonly redriveOf?: DeadLetter | undefined;
}

/** What came of a frame. */
export interface JudgedFrame {
  readonly matches: readonly Match[];
  /** Events that could not be judged by all that should have; each is a dead letter. */
  readonly setAside: readonly EventPosition[];
}

/** An event that could not be judged: by anything, or by one part of it. */
export interface Failure {
  readonly index: number;
  readonly reason: DropReason;
  readonly text: string;
  readonly scope?: string | undefined;
  readonly attempts: number;
  /** Whether it is only suspected: it is tried once more where it can do no harm. */
  readonly isSuspected?: boolean | undefined;
}

/** Scope of what the rules could not judge and the detectors have. */
export const RULES_SCOPE = 'rules';

/** Dead letters for one rule that throws, per process: a rule that throws on everything is the rule's trouble and is said in the log. */
const MAX_LETTERS_PER_RULE = 100;

/** Judges frames for one matcher. */
export class FrameJudge {
  readonly #options: FrameJudgeOptions;
  readonly #suspects: ReadonlyMap<string, readonly Suspect[]>;
  readonly #lettersOf = new Map<string, number>();
  /** Mappings whose rules were used before, by rule set: the first use compiles them. */
  readonly #warm = new WeakMap<CompiledRules, Set<string>>();

  constructor(options: FrameJudgeOptions) {
    this.#options = options;
    const judging = options.isolation?.suspects.filter(({ phase }) => phase !== 'folding') ?? [];
    this.#suspects = Map.groupBy(judging, ({ position }) => position);
  }

  /** Judges a frame; resolves when everything that it sets aside is a dead letter. */
  async judge(task: JudgeTask): Promise<JudgedFrame> {
    const failures: Failure[] = [];
    const matches = this.needsSandbox(task) ? await this.#inSandbox(task, failures) : this.#here(task, failures);
    for (const failure of failures) await this.#drop(task, failure);
    const indexes = [...new Set(failures.map(({ index }) => index))].sort((a, b) => a - b);
    return { matches, setAside: indexes.map((index) => ({ position: task.fed.position, index })) };
  }

  /** Whether judging a frame takes a process of its own, and so its time. */
  needsSandbox({ fed, redriveOf }: Pick<JudgeTask, 'fed' | 'redriveOf'>): boolean {
    if (this.#options.isolation === undefined) return false;
    if (redriveOf !== undefined) return ['deadline', 'memory', 'crashed'].includes(redriveOf.reason);
    return this.#suspectsIn(fed).some(({ index }) => index === -1);
  }

  #suspectsIn({ position }: FedFrame): readonly Suspect[] {
    return this.#suspects.get(position) ?? [];
  }

  #here(task: JudgeTask, failures: Failure[]): readonly Match[] {
    const { isolation } = this.#options;
    isolation?.box.enter(this.#isWarm(task) ? 'judging' : 'warming', task.fed.position);
    try {
      const known = this.#suspectsIn(task.fed);
      failures.push(...known.map((suspect) => this.#suspected(task, suspect)));
      const found = [...this.#byRules(without(task, known, -1), failures), ...this.#byDetectors(task, known, failures)];
      return isolation === undefined || isolation.detectors.detectors.length === 0 ? found : inOrder(found);
    } finally {
      isolation?.box.leave();
    }
  }

  #byRules(task: JudgeTask, failures: Failure[]): readonly Match[] {
    const errors: RuleError[] = [];
    try {
      const matches = this.#match(task, task.skip, errors);
      failures.push(...this.#ruleFailures(task, errors));
      return matches;
    } catch (error) {
      this.#options.onTrouble(error, `frame ${task.frame.header.id}; its events are judged one by one`);
      return this.#oneByOne(task, failures);
    }
  }

  #oneByOne(task: JudgeTask, failures: Failure[]): readonly Match[] {
    const matches: Match[] = [];
    for (let index = 0; index < task.frame.header.count; index++) {
      if (task.skip(index)) continue;
      const errors: RuleError[] = [];
      try {
        matches.push(...this.#match(task, (other) => other !== index, errors));
        failures.push(...this.#ruleFailures(task, errors));
      } catch (error) {
        failures.push({ index, reason: 'threw', text: String(error), attempts: 2, ...this.#scopeOfRules(task, index) });
      }
    }
    return matches;
  }

  #match({ compiled, frame, fed, cost }: JudgeTask, skip: (index: number) => boolean, errors: RuleError[]): readonly Match[] {
    const { fieldsOf, isolation } = this.#options;
    return matchFrame(compiled, frame, fed.position, {
      fieldsOf(of, index, members) {
        isolation?.box.at(index);
        return fieldsOf(of, index, members);
      },
      skip,
      cost,
      onRuleError: (error) => errors.push(error),
    });
  }

  /** What has ended a thread is left out here: its neighbours need not wait for it. */
  #suspected(task: JudgeTask, { index, detector, reason }: Suspect): Failure {
    const ruleId = this.#options.isolation?.detectors.detectors[detector]?.meta.id;
    const scope = ruleId === undefined ? this.#scopeOfRules(task, index) : { scope: `rule:${ruleId}` };
    const who = ruleId === undefined ? '' : `detector ${ruleId}: `;
    return { index, reason, text: `${who}judging it ended the thread (${reason})`, attempts: 1, isSuspected: true, ...scope };
  }

  #byDetectors({ frame, fed, skip }: JudgeTask, known: readonly Suspect[], failures: Failure[]): readonly Match[] {
    const { isolation, fieldsOf } = this.#options;
    if (isolation === undefined) return [];
    return isolation.detectors.select(frame, {
      at: fed.position,
      fieldsOf: (index) => fieldsOf(frame, index),
      skip,
      passes: (index, detector) => known.some((suspect) => suspect.index === index && suspect.detector === detector),
      onAsk: (index, detector) => isolation.box.at(index, detector),
      onError: (index, ruleId, cause) => failures.push(...this.#ruleFailure(ruleId, { index, cause })),
    });
  }

  async #inSandbox(task: JudgeTask, failures: Failure[]): Promise<readonly Match[]> {
    const { isolation, giveUp } = this.#options;
    if (isolation === undefined) return [];
    const { compiled, frame, fed } = task;
    const { logSources, detectorFiles, limits } = isolation;
    const outcome = await judgeInSandbox(
      {
        rules: encodeRules({ rules: compiled.rules, filters: [], placeholders: [], refused: [] }),
        logSources,
        detectors: detectorFiles,
        frame: Uint8Array.from(fed.stored.body),
        tenant: fed.tenant,
        at: fed.position,
        units: unitsOf(task, isolation.detectors),
      },
      limits,
      giveUp,
    );
    for (const { detector, ...failure } of outcome.failures) {
      const ruleId = isolation.detectors.detectors[detector]?.meta.id;
      const scope = failure.scope ?? (ruleId === undefined ? this.#scopeOfRules(task, failure.index).scope : `rule:${ruleId}`);
      const text = ruleId === undefined ? failure.text : `detector ${ruleId}: ${failure.text}`;
      failures.push({ ...failure, attempts: 1, text, ...(scope === undefined ? {} : { scope }) });
      this.#options.onTrouble(new Error(text), `frame ${frame.header.id}#${failure.index}`, eventFields(frame.event(failure.index)));
    }
    return inOrder(outcome.matches);
  }

  #isWarm({ compiled, frame }: JudgeTask): boolean {
    let warm = this.#warm.get(compiled);
    if (warm === undefined) {
      warm = new Set();
      this.#warm.set(compiled, warm);
    }
    const before = warm.size;
    for (let index = 0; index < frame.header.count; index++) warm.add(frame.mapping(index));
    return warm.size === before;
  }

  #scopeOfRules({ frame }: JudgeTask, index: number): Pick<Failure, 'scope'> {
    const asked = this.#options.isolation?.detectors.askedAbout(frame.mapping(index)) ?? [];
    return asked.length === 0 ? {} : { scope: RULES_SCOPE };
  }

  #ruleFailures({ frame }: JudgeTask, errors: readonly RuleError[]): Failure[] {
    return errors.flatMap(({ ruleId, at, cause }) => {
      this.#options.onTrouble(cause, `rule ${ruleId} at ${at.position}#${at.index}`, eventFields(frame.event(at.index)));
      return this.#ruleFailure(ruleId, { index: at.index, cause });
    });
  }

  #ruleFailure(ruleId: string, { index, cause }: { index: number; cause: unknown }): Failure[] {
    const letters = (this.#lettersOf.get(ruleId) ?? 0) + 1;
    this.#lettersOf.set(ruleId, letters);
    if (letters <= MAX_LETTERS_PER_RULE)
      return [{ index, reason: 'threw', text: `rule ${ruleId}: ${String(cause)}`, scope: `rule:${ruleId}`, attempts: 1 }];
    this.#options.onTrouble(cause, `rule ${ruleId}: it has ${MAX_LETTERS_PER_RULE} dead letters, no more are made`);
    return [];
  }

  async #drop({ fed, frame, redriveOf }: JudgeTask, failure: Failure): Promise<void> {
    const { index, reason, text, scope, attempts } = failure;
    const { count: _count, minTimeMs: _min, maxTimeMs: _max, ...header } = frame.header;
    const { tenant, ...record } = frame.event(index);
    const stood = redriveOf ?? {
      subject: fed.stored.subject,
      position: fed.position,
      index,
      messageId: fed.stored.id,
      headers: fed.stored.headers,
    };
    const body = encodeFrame({ ...header, id: `${header.id}.${index}`, ordinal: header.ordinal + index }, [record]);
    const letter = await this.#options.drop(
      {
        tenant,
        consumer: MATCH_CONSUMER,
        kind: 'event',
        subject: stood.subject,
        position: stood.position,
        index: stood.index,
        messageId: stood.messageId,
        headers: stood.headers,
        source: record.source,
        eventId: record.id,
        ...(scope === undefined ? {} : { scope }),
        body,
        errors: [{ attempt: attempts, atMs: this.#options.nowMs(), text }],
        redriveOf,
      },
      reason,
    );
    if (failure.isSuspected === true) await this.#options.isolation?.tryAgain(letter, body);
  }
}

/** The same frame without the events that are suspected for one part of their judgement. */
function without(task: JudgeTask, suspects: readonly Suspect[], detector: number): JudgeTask {
  if (suspects.length === 0) return task;
  const indexes = new Set(suspects.filter((suspect) => suspect.detector === detector).map(({ index }) => index));
  return { ...task, skip: (index) => indexes.has(index) || task.skip(index) };
}

/** Everything that is to be judged of a frame, event by event: by rules, then by each detector that asks for it. */
function unitsOf({ frame, skip }: JudgeTask, detectors: DetectorSelection): SandboxUnit[] {
  const units: SandboxUnit[] = [];
  for (let index = 0; index < frame.header.count; index++) {
    if (skip(index)) continue;
    units.push({ index, detector: -1 }, ...detectors.askedAbout(frame.mapping(index)).map((detector) => ({ index, detector })));
  }
  return units;
}

/** Matches in the order of their events; those of one event stay as they are. */
function inOrder(matches: readonly Match[]): readonly Match[] {
  return [...matches].sort((a, b) => a.evidence.at.index - b.evidence.at.index);
}
