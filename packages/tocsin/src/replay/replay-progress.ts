/** Says in a replay's namespace how far it is, every second while that changes, and how it ended. */
import { type EventBus, encodePosition, parsePosition, type ReplayLog } from '@tocsin/bus';
import type { Clock, Lane, Position } from '@tocsin/core';
import { commitUntilStored } from '../state/commit-until-stored.ts';
import { replaySubject } from '../subjects.ts';
import type { ReplayClock } from './replay-clock.ts';
import { NOTHING_DONE, type ReplayCounts, type ReplayOrder, type ReplayRange, type ReplayState } from './replay-order.ts';
import { shareRead } from './replay-range.ts';

/** What it is made of. */
export interface ReplayProgressOptions {
  readonly bus: Pick<EventBus, 'commit'> & Pick<ReplayLog, 'purge'>;
  readonly order: ReplayOrder;
  readonly realTime: Clock;
  readonly nextId: () => string;
  readonly onTrouble: (error: unknown, what: string) => void;
  readonly giveUp: AbortSignal;
}

/** What is looked at. */
export interface ReplayFacts {
  readonly range: ReplayRange;
  readonly clock: ReplayClock;
  readonly ruleSet: string;
  readonly counts: () => ReplayCounts;
}

const EVERY_MS = 1000;
/** Former states that may stand before they are removed. */
const MOST_FORMER = 30;
/** Time over which the pace is measured, milliseconds. */
const PACE_MS = 5000;

interface Mark {
  readonly atMs: number;
  readonly share: number;
  readonly events: number;
}

/** The state of one attempt. */
export class ReplayProgress {
  readonly #options: ReplayProgressOptions;
  readonly #startedMs: number;
  #facts: ReplayFacts | undefined;
  #position: Partial<Record<Lane, Position>> = {};
  #marks: Mark[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #written = '';
  #former: Position[] = [];

  constructor(options: ReplayProgressOptions) {
    this.#options = options;
    this.#startedMs = options.realTime.nowMs();
  }

  /** Says that it runs, and from now on how far it is. */
  async begin(facts: ReplayFacts): Promise<void> {
    this.#facts = facts;
    await this.#write('running');
    this.#timer = setInterval(() => {
      this.#writing = this.#writing
        .then(() => this.#write('running'))
        .catch((error: unknown) => this.#options.onTrouble(error, 'saying how far a replay is'));
    }, EVERY_MS);
  }

  /** Goes on where a former attempt had come to. */
  goOn(position: ReplayState['position']): void {
    this.#position = { ...position };
  }

  /** A frame was given out. */
  note(lane: Lane, position: Position): void {
    this.#position[lane] = position;
  }

  /** Says nothing more; what is being said is finished. */
  async pause(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
  }

  /** Says how it ended. */
  async end(phase: 'done' | 'failed', reason?: string): Promise<void> {
    await this.pause();
    await this.#write(phase, reason);
  }

  async #write(phase: ReplayState['phase'], reason?: string): Promise<void> {
    const { bus, order, realTime, nextId, onTrouble, giveUp } = this.#options;
    const state = this.#state(phase, reason);
    const text = JSON.stringify({ ...state, updatedMs: 0 });
    if (text === this.#written) return;
    this.#written = text;
    const subject = replaySubject(order.tenant, order.id, 'state');
    const message = {
      subject,
      id: `${order.id}.${nextId()}`,
      body: Buffer.from(JSON.stringify({ ...state, updatedMs: realTime.nowMs() })),
    };
    const onRetry = (error: unknown): void => onTrouble(error, 'saying how far a replay is');
    const [published] = await commitUntilStored(bus, [message], { signal: giveUp, onRetry });
    if (published !== undefined) this.#former.push(published.position);
    if (this.#former.length > MOST_FORMER || phase !== 'running') await this.#forgetFormer(subject);
  }

  async #forgetFormer(subject: string): Promise<void> {
    const last = this.#former.at(-1);
    if (last === undefined) return;
    this.#former = [last];
    const parts = parsePosition(last);
    if (parts.sequence > 1) await this.#options.bus.purge(subject, encodePosition({ ...parts, sequence: parts.sequence - 1 }));
  }

  #state(phase: ReplayState['phase'], reason: string | undefined): ReplayState {
    const { order } = this.#options;
    const facts = this.#facts;
    const counts = facts?.counts() ?? NOTHING_DONE;
    const share = phase === 'done' ? 1 : facts === undefined ? 0 : shareRead(facts.range, this.#position);
    return {
      attempt: order.attempt,
      phase,
      ...(reason === undefined ? {} : { reason }),
      startedMs: this.#startedMs,
      updatedMs: 0,
      ...(facts === undefined ? {} : { range: facts.range, clockMs: facts.clock.nowMs(), ruleSet: facts.ruleSet }),
      share,
      position: { ...this.#position },
      ...this.#pace(share, counts.events),
      ...counts,
    };
  }

  #pace(share: number, events: number): Pick<ReplayState, 'perSecond' | 'etaMs'> {
    const atMs = this.#options.realTime.monotonicMs();
    this.#marks = [...this.#marks.filter((mark) => atMs - mark.atMs <= PACE_MS), { atMs, share, events }];
    const [first] = this.#marks;
    const spentMs = first === undefined ? 0 : atMs - first.atMs;
    if (first === undefined || spentMs < EVERY_MS / 2) return { perSecond: 0 };
    const perSecond = Math.round(((events - first.events) * 1000) / spentMs);
    const leftMs = this.#leftByClock() ?? ((1 - share) * spentMs) / (share - first.share);
    return { perSecond, ...(Number.isFinite(leftMs) ? { etaMs: Math.max(0, Math.round(leftMs)) } : {}) };
  }

  /** At a given speed, the clock says how long it takes. */
  #leftByClock(): number | undefined {
    const { speed, time } = this.#options.order.spec;
    const facts = this.#facts;
    if (speed === 0 || time === 'event' || facts === undefined) return undefined;
    return (facts.range.lastMs - facts.clock.nowMs()) / speed;
  }
}
