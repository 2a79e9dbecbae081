/** Looks at the log every while: measures lag, lets the retention keeper work, and tells what somebody should look at. Also makes room on demand. */
import { isTocsinError } from '@tocsin/core';
import { type Lag, type LagSources, measureLag } from './lag.ts';
import type { Alarm, KeeperRound, RetentionKeeper } from './retention-keeper.ts';
import type { Survey, SurveyedStream } from './survey.ts';

/** What was found at the last look. */
export interface FlowReport {
  readonly lag: readonly Lag[];
  readonly alarms: readonly Alarm[];
  readonly kept: KeeperRound['kept'];
}

/** What the watch is made of. */
export interface FlowWatchOptions extends LagSources {
  readonly survey: Survey;
  readonly keeper: RetentionKeeper;
  readonly everyMs: number;
  readonly onTrouble: (error: unknown, what: string) => void;
  /** Told when somebody becomes critical, an alarm comes up or either ends. */
  readonly onNews: (text: string, isBad: boolean) => void;
}

/** Rounds in which nobody has read on after which making room is given up. */
const STANDSTILL_ROUNDS = 2;

/** Runs until disposed. */
export class FlowWatch implements AsyncDisposable {
  readonly #options: FlowWatchOptions;
  #report: FlowReport = { lag: [], alarms: [], kept: undefined };
  #round: Promise<{ removed: number; streams: readonly SurveyedStream[] }> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #told: ReadonlySet<string> = new Set();
  #stopped = false;

  constructor(options: FlowWatchOptions) {
    this.#options = options;
    this.#schedule();
  }

  get report(): FlowReport {
    return this.#report;
  }

  /** Whether something needs a look: lag beyond its critical threshold, or a stream that fills with unread data. */
  get isDegraded(): boolean {
    return this.#report.alarms.length > 0 || this.#report.lag.some(({ level }) => level === 'critical');
  }

  /** A round now. True once something was removed; false where nothing may be, because somebody who must read it does not read on. */
  async makeRoom(): Promise<boolean> {
    let before = '';
    for (let standstill = 0; standstill < STANDSTILL_ROUNDS && !this.#stopped; ) {
      const { removed, streams } = await this.#look();
      if (removed > 0) return true;
      const places = streams.flatMap(({ readers }) => readers.map(({ sequence }) => sequence)).join();
      standstill = places === before ? standstill + 1 : 0;
      before = places;
    }
    return false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#round;
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      void this.#look().then(() => this.#schedule());
    }, this.#options.everyMs);
    this.#timer.unref();
  }

  /** Joins a round under way. Never rejects. */
  #look(): Promise<{ removed: number; streams: readonly SurveyedStream[] }> {
    this.#round ??= this.#lookNow().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  async #lookNow(): Promise<{ removed: number; streams: readonly SurveyedStream[] }> {
    const { survey, keeper, onTrouble } = this.#options;
    try {
      const streams = await survey.look();
      const { removed, alarms, kept } = await keeper.round(streams);
      this.#report = { lag: await measureLag(this.#options, streams), alarms, kept };
      this.#tellNews();
      return { removed, streams };
    } catch (error) {
      // An outage of the bus is told by whoever writes to it; the next look comes anyway.
      if (!isTocsinError(error) || error.retry === 'never') onTrouble(error, 'looking after the streams');
      return { removed: 0, streams: [] };
    }
  }

  #tellNews(): void {
    const now = new Set([
      ...this.#report.alarms.map(({ stream }) => `${stream} fills with what has not been read yet`),
      ...this.#report.lag
        .filter(({ level }) => level === 'critical')
        .map(({ reader, stream }) => `${reader} is too far behind on ${stream}`),
    ]);
    for (const text of now) if (!this.#told.has(text)) this.#options.onNews(text, true);
    for (const text of this.#told) if (!now.has(text)) this.#options.onNews(`over: ${text}`, false);
    this.#told = now;
  }
}
