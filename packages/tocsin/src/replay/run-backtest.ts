/**
 * A backtest: the frames of a range judged by a draft and by the rules in force, side by side, matches and folds in memory. Nothing is written.
 */
import type { ReplayLog, StateStore } from '@tocsin/bus';
import { type Clock, type FrameView, type MatchStep, sourceKey, systemClock } from '@tocsin/core';
import { createFoldSet, type FoldSet, matchFrame } from '@tocsin/detect';
import { fieldsOf, type MappingSet } from '@tocsin/ingest';
import { FrameDedup } from '../duties/frame-dedup.ts';
import type { FedFrame } from '../duties/frame-feed.ts';
import { TICK_MS } from '../duties/tick.ts';
import { Watermarks } from '../duties/watermarks.ts';
import type { RuleFile } from '../rules/rule-book.ts';
import type { BacktestProgress, BacktestReport } from './backtest-report.ts';
import { BacktestTally, type SideName } from './backtest-tally.ts';
import { type DraftRules, readDraftRules } from './draft-rules.ts';
import { EventChoice } from './event-choice.ts';
import { compileConditions } from './field-conditions.ts';
import { ReplayBus } from './replay-bus.ts';
import { ReplayClock } from './replay-clock.ts';
import { ReplayFeed } from './replay-feed.ts';
import type { ReplayRange, ReplaySpec } from './replay-order.ts';
import { resolveRange, shareRead } from './replay-range.ts';
import { liveRules } from './replay-rules.ts';

/** What a backtest runs with. */
export interface BacktestOptions {
  readonly bus: ConstructorParameters<typeof ReplayBus>[0]['bus'] & ReplayLog & StateStore;
  readonly spec: ReplaySpec;
  /** The draft. */
  readonly files: readonly RuleFile[];
  readonly mappings: MappingSet;
  readonly idleAfterMs: number;
  readonly latenessMs: number;
  readonly clock: Clock;
  readonly onTrouble: (error: unknown, what: string) => void;
  readonly onProgress: (progress: BacktestProgress) => void;
  readonly signal: AbortSignal;
}

const SIDES: readonly SideName[] = ['draft', 'live'];
/** Time of receipt between two looks at idle sources, milliseconds. */
const SPAN_MS = 60_000;

/** @throws replay.*, bus.*, store.rule_set_missing */
export async function runBacktest(options: BacktestOptions): Promise<BacktestReport> {
  const { bus, spec, files, mappings, clock, signal } = options;
  const startedMs = clock.monotonicMs();
  const logSources = mappings.logSources();
  const rules = readDraftRules(files, await liveRules(bus, { tenant: spec.tenant, logSources }), {
    logSources,
    latenessMs: options.latenessMs,
  });
  const range = await resolveRange(bus, spec, clock.nowMs());
  const judge = new BacktestJudge(options, rules, range);
  const feed = judge.open(signal);
  while (!feed.finished) judge.round(await feed.take(Number.POSITIVE_INFINITY, TICK_MS));
  signal.throwIfAborted();
  return { ...judge.report(), tookMs: Math.round(clock.monotonicMs() - startedMs) };
}

class BacktestJudge {
  readonly #options: BacktestOptions;
  readonly #rules: DraftRules;
  readonly #range: ReplayRange;
  readonly #tally: BacktestTally;
  readonly #clock: ReplayClock;
  readonly #choice: EventChoice;
  readonly #dedup = new FrameDedup();
  readonly #watermarks: Watermarks;
  readonly #folds: Readonly<Record<SideName, FoldSet>>;
  readonly #broken = new Map<string, number>();
  readonly #read: Record<string, FedFrame['position']> = {};
  #events = 0;
  #duplicates = 0;
  #isFinished = false;

  constructor(options: BacktestOptions, rules: DraftRules, range: ReplayRange) {
    const { spec, mappings, onTrouble, idleAfterMs } = options;
    this.#options = options;
    this.#rules = rules;
    this.#range = range;
    this.#tally = new BacktestTally(rules);
    this.#clock = new ReplayClock(range.startMs);
    this.#watermarks = new Watermarks({ idleAfterMs, listeningSinceMs: range.startMs });
    this.#folds = { draft: createFoldSet(rules.draft.compiled), live: createFoldSet(rules.live.compiled) };
    this.#choice = new EventChoice({
      spec,
      conditions: compileConditions(spec.where, mappings.logSources()),
      fieldsOf: this.#fieldsOf,
      onTrouble,
    });
  }

  open(signal: AbortSignal): ReplayFeed {
    const { bus, spec, idleAfterMs } = this.#options;
    const log = new ReplayBus({ bus, tenant: spec.tenant, run: 'backtest', range: this.#range, clock: this.#clock, maxBytes: 0 });
    return new ReplayFeed(
      {
        log,
        choice: this.#choice,
        clock: this.#clock,
        endMs: this.#range.endMs,
        speed: 0,
        spanMs: Math.max(TICK_MS, Math.min(SPAN_MS, idleAfterMs / 5)),
        realTime: systemClock,
        onFrame: (lane, position) => void (this.#read[lane] = position),
      },
      { from: () => 'first', signal },
    );
  }

  /** Judges frames; then idle sources are looked at, as a matcher does. */
  round(frames: readonly FedFrame[]): void {
    for (const fed of frames) if (fed.frame !== undefined) this.#judge(fed, fed.frame);
    if (this.#watermarks.tick(this.#clock.nowMs())) this.#advance({ draft: [], live: [] });
    this.#options.onProgress({ share: shareRead(this.#range, this.#read), events: this.#events, hits: this.#tally.hits });
  }

  report(): Omit<BacktestReport, 'tookMs'> {
    if (!this.#isFinished) for (const side of SIDES) this.#tally.addAlerts(side, this.#folds[side].finish('live'));
    this.#isFinished = true;
    const { startMs, lastMs, lanes } = this.#range;
    return {
      events: this.#events,
      duplicates: this.#duplicates,
      ...(Object.keys(lanes).length === 0 ? {} : { fromMs: startMs, toMs: lastMs }),
      rules: this.#tally.rules(),
      refused: this.#rules.refused.map(({ path, line, column, reason, error }) => ({ path, line, column, reason, code: error.code })),
      broken: [...this.#broken].map(([ruleId, events]) => ({ ruleId, events })),
    };
  }

  readonly #fieldsOf = (frame: FrameView, index: number) =>
    fieldsOf(this.#options.mappings.formatOf(frame.mapping(index)) ?? 'json', frame.record(index));

  #judge(fed: FedFrame, frame: FrameView): void {
    const verdicts = this.#dedup.judge(fed.lane, frame);
    const isChosen = this.#choice.choose(fed, frame);
    const chosen = verdicts.filter((_, index) => isChosen(index));
    if (chosen.length === 0) return;
    const duplicates = chosen.filter((verdict) => verdict === 'duplicate').length;
    this.#duplicates += duplicates;
    this.#events += chosen.length - duplicates;
    const skip = (index: number): boolean => verdicts[index] === 'duplicate' || !isChosen(index);
    const match = (side: SideName) =>
      matchFrame(this.#rules[side].compiled, frame, fed.position, {
        fieldsOf: this.#fieldsOf,
        skip,
        onRuleError: ({ ruleId }) => void this.#broken.set(ruleId, (this.#broken.get(ruleId) ?? 0) + 1),
      });
    const matches = { draft: match('draft'), live: match('live') };
    for (const side of SIDES) this.#tally.addMatches(side, matches[side]);
    this.#tally.noteExamples(matches);
    this.#observe(frame, isChosen);
    this.#advance(matches);
  }

  #observe(frame: FrameView, isChosen: (index: number) => boolean): void {
    for (let i = 0; i < frame.header.count; i++) {
      if (!isChosen(i)) continue;
      const receivedMs = frame.receivedMs(i);
      this.#watermarks.observe(sourceKey(frame.header.tenant, frame.source(i)), Math.min(frame.timeMs(i), receivedMs), receivedMs);
    }
  }

  #advance(matches: Readonly<Record<SideName, MatchStep['matches']>>): void {
    const watermarks = this.#watermarks.takeChanged();
    for (const side of SIDES) {
      const { ruleSetHash } = this.#rules[side].compiled;
      const step: MatchStep = {
        partition: 0,
        epoch: '',
        read: {},
        watermarks,
        ruleSet: ruleSetHash,
        judged: 0,
        duplicates: 0,
        matches: matches[side],
      };
      this.#tally.addAlerts(side, this.#folds[side].advance(step, 'live'));
    }
  }
}
