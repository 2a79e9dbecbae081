/** Which events of a range a replay or backtest looks at: by time, position, subject, source, and conditions on their fields. */
import { matchesSubject, parsePosition } from '@tocsin/bus';
import type { Fields, FrameView } from '@tocsin/core';
import { type CompiledRules, matchFrame } from '@tocsin/detect';
import type { FedFrame } from '../duties/frame-feed.ts';
import type { ReplaySpec } from './replay-order.ts';

/** What choosing works with. */
export interface EventChoiceOptions {
  readonly spec: ReplaySpec;
  /** The conditions on fields, as a rule; all events fulfil them where absent. */
  readonly conditions?: CompiledRules | undefined;
  readonly fieldsOf: (frame: FrameView, index: number) => Fields | undefined;
  readonly onTrouble: (error: unknown, what: string) => void;
}

/** Chooses; remembers what it has chosen of a frame as long as the frame is there. */
export class EventChoice {
  readonly #options: EventChoiceOptions;
  readonly #sources: ReadonlySet<string>;
  readonly #known = new WeakMap<FrameView, Uint8Array>();

  constructor(options: EventChoiceOptions) {
    this.#options = options;
    this.#sources = new Set(options.spec.sources);
  }

  /** Whether an event of a frame is chosen. */
  choose(fed: FedFrame, frame: FrameView): (index: number) => boolean {
    const chosen = this.#chosenOf(fed, frame);
    return (index) => chosen[index] === 1;
  }

  /** Whether any event is. What cannot be read is not passed over: it has to be said. */
  hasAny(fed: FedFrame): boolean {
    return fed.frame === undefined || this.#chosenOf(fed, fed.frame).includes(1);
  }

  #chosenOf(fed: FedFrame, frame: FrameView): Uint8Array {
    const known = this.#known.get(frame);
    if (known !== undefined) return known;
    const chosen = new Uint8Array(frame.header.count);
    if (this.#isFrameChosen(fed)) for (let i = 0; i < chosen.length; i++) chosen[i] = this.#isChosen(frame, i) ? 1 : 0;
    if (this.#options.conditions !== undefined && chosen.includes(1))
      this.#applyConditions(fed, frame, { chosen, conditions: this.#options.conditions });
    this.#known.set(frame, chosen);
    return chosen;
  }

  #isFrameChosen({ position, stored, lane, frame }: FedFrame): boolean {
    const { subject, fromPosition, lanes, time, fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY } = this.#options.spec;
    if (lanes.length > 0 && !lanes.includes(lane)) return false;
    if (subject !== undefined && !matchesSubject(subject, stored.subject)) return false;
    if (fromPosition !== undefined && parsePosition(position).sequence < parsePosition(fromPosition).sequence) return false;
    return time === 'received' || frame === undefined || (frame.header.maxTimeMs >= fromMs && frame.header.minTimeMs < toMs);
  }

  #isChosen(frame: FrameView, index: number): boolean {
    const { time, fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY } = this.#options.spec;
    const ms = time === 'received' ? frame.receivedMs(index) : frame.timeMs(index);
    return ms >= fromMs && ms < toMs && (this.#sources.size === 0 || this.#sources.has(frame.source(index)));
  }

  #applyConditions(fed: FedFrame, frame: FrameView, { chosen, conditions }: { chosen: Uint8Array; conditions: CompiledRules }): void {
    const judge = (skip: (index: number) => boolean): number[] =>
      matchFrame(conditions, frame, fed.position, { fieldsOf: this.#options.fieldsOf, skip }).map(({ evidence }) => evidence.at.index);
    const holds = new Set<number>();
    try {
      for (const index of judge((index) => chosen[index] !== 1)) holds.add(index);
    } catch (error) {
      this.#options.onTrouble(error, `frame ${frame.header.id}; its events are looked at one by one`);
      for (let one = 0; one < chosen.length; one++)
        if (chosen[one] === 1 && this.#holdsAlone(() => judge((index) => index !== one))) holds.add(one);
    }
    for (let i = 0; i < chosen.length; i++) if (!holds.has(i)) chosen[i] = 0;
  }

  /** An event that cannot be looked at fulfils no condition. */
  #holdsAlone(judge: () => number[]): boolean {
    try {
      return judge().length > 0;
    } catch (error) {
      this.#options.onTrouble(error, 'looking whether an event fulfils a condition');
      return false;
    }
  }
}
