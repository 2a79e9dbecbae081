/** Looks at the log every while: measures lag, lets the retention keeper work, and tells what somebody should look at. Also makes room on demand. */
import { isTocsinError } from '@tocsin/core';
import { pause } from '../state/commit-until-stored.ts';
import { type Lag, type LagSources, measureLag } from './lag.ts';
import { type Alarm, type KeeperRound, type RetentionKeeper, readByAll } from './retention-keeper.ts';
import type { Survey, SurveyedStream } from './survey.ts';

/** What was found at the last look. */
export interface FlowReport {
  readonly lag: readonly Lag[];
  readonly alarms: readonly Alarm[];
  readonly kept: KeeperRound['kept'];
}

/** What the watch is made of. */
export interface FlowWatchOptions extends LagSources {
  readonly survey: Pick<Survey, 'look'>;
  readonly keeper: Pick<RetentionKeeper, 'round'>;
  readonly everyMs: number;
  readonly onTrouble: (error: unknown, what: string) => void;
  /** Told when somebody becomes critical, an alarm comes up or either ends. */
  readonly onNews: (text: string, isBad: boolean) => void;
}

/** What a round has found. */
interface Round {
  /** Streams of which something was removed. */
  readonly shrunk: ReadonlySet<string>;
  readonly streams: readonly SurveyedStream[];
}

/** Rounds in which the last of the readers has not read on, and rounds in all, after which making room is given up. */
const STANDSTILL_ROUNDS = 2;
const MAX_ROUNDS = 12;
/** First and longest pause between them, milliseconds. */
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1000;

/** Runs until disposed. */
export class FlowWatch implements AsyncDisposable {
  readonly #options: FlowWatchOptions;
  #report: FlowReport = { lag: [], alarms: [], kept: undefined };
  #round: Promise<Round> | undefined;
  /** By stream. */
  readonly #making = new Map<string, Promise<boolean>>();
  #timer: NodeJS.Timeout | undefined;
  #told: ReadonlySet<string> = new Set();
  readonly #stopping = new AbortController();

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

  /**
   * Rounds until something of a stream was removed: true then. False where nothing may be, because the last of those who must read it does not
   * read on. Whoever asks meanwhile is given the same answer.
   */
  makeRoom(stream: string): Promise<boolean> {
    let making = this.#making.get(stream);
    if (making === undefined) {
      making = this.#makeRoomNow(stream).finally(() => this.#making.delete(stream));
      this.#making.set(stream, making);
    }
    return making;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await Promise.all([this.#round, ...this.#making.values()]);
  }

  #schedule(): void {
    if (this.#stopping.signal.aborted) return;
    this.#timer = setTimeout(() => {
      void this.#look().then(() => this.#schedule());
    }, this.#options.everyMs);
    this.#timer.unref();
  }

  async #makeRoomNow(stream: string): Promise<boolean> {
    const { signal } = this.#stopping;
    let before: number | undefined;
    let standstill = 0;
    for (let round = 0; round < MAX_ROUNDS && standstill < STANDSTILL_ROUNDS && !signal.aborted; round++) {
      if (round > 0) await pause(Math.min(FIRST_PAUSE_MS * 2 ** (round - 1), LONGEST_PAUSE_MS), signal);
      const { shrunk, streams } = await this.#look();
      if (shrunk.has(stream)) return true;
      const found = streams.find(({ name }) => name === stream);
      const place = found && readByAll(found);
      standstill = place === before ? standstill + 1 : 0;
      before = place;
    }
    return false;
  }

  /** Joins a round under way. Never rejects. */
  #look(): Promise<Round> {
    this.#round ??= this.#lookNow().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  async #lookNow(): Promise<Round> {
    const { survey, keeper, onTrouble } = this.#options;
    try {
      const streams = await survey.look();
      const { shrunk, alarms, kept } = await keeper.round(streams);
      this.#report = { lag: await measureLag(this.#options, streams), alarms, kept };
      this.#tellNews();
      return { shrunk, streams };
    } catch (error) {
      // An outage of the bus is told by whoever writes to it; the next look comes anyway.
      if (!isTocsinError(error) || error.retry === 'never') onTrouble(error, 'looking after the streams');
      return { shrunk: new Set(), streams: [] };
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
