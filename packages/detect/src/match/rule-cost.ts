/**
 * What rules cost: how often each was asked about an event that it might match, how often it did, and how long that took, by sampling. A
 * recorder is given to matching where somebody wants to know; without one nothing is counted. It decides nothing.
 */
import type { CompiledDetection } from '../compile/compile-detection.ts';

/** Cost of one rule since its recorder was made. */
export interface RuleCost {
  readonly ruleId: string;
  readonly title: string;
  /** Events that the rule was asked about. */
  readonly candidates: number;
  readonly matches: number;
  /** Evaluations that were timed. */
  readonly sampled: number;
  /** Time of all evaluations, milliseconds: the mean of the sampled ones, without the longest, times the candidates. What a rule reads first of an event is charged to it. */
  readonly timeMs: number;
}

/** How a recorder samples. */
export interface RuleCostOptions {
  /** Time in milliseconds with fractions; monotonic. */
  readonly nowMs: () => number;
  /** Every so many evaluations of a rule one is timed; a power of two, by default 64. Of its first ones more are. */
  readonly every?: number | undefined;
}

/** Counts of one rule, changed in place. */
interface Counter {
  readonly detection: CompiledDetection;
  candidates: number;
  matches: number;
  sampled: number;
  sampledMs: number;
  longestMs: number;
}

const SAMPLE_EVERY = 64;
/** Told by `begin` of an evaluation that is not timed. */
const UNTIMED = -1;

/** Counts evaluations. Each `begin` is followed by its `end` before the next, unless the rule threw. */
export class RuleCostRecorder {
  readonly #counters = new Map<string, Counter>();
  readonly #mappings = new Set<string>();
  readonly #nowMs: () => number;
  readonly #mask: number;
  #current: Counter | undefined;

  constructor({ nowMs, every = SAMPLE_EVERY }: RuleCostOptions) {
    this.#nowMs = nowMs;
    this.#mask = every - 1;
  }

  /** An evaluation begins. Answers what `end` is to be given. */
  begin(detection: CompiledDetection): number {
    const { id } = detection.rule.meta;
    let counter = this.#counters.get(id);
    if (counter === undefined) {
      counter = { detection, candidates: 0, matches: 0, sampled: 0, sampledMs: 0, longestMs: 0 };
      this.#counters.set(id, counter);
    }
    this.#current = counter;
    const count = ++counter.candidates;
    // Not the very first: it pays for what is compiled when first needed. Powers of two give rare rules a figure, too.
    const isTimed = (count & this.#mask) === 0 || (count <= this.#mask && count > 1 && (count & (count - 1)) === 0);
    return isTimed ? this.#nowMs() : UNTIMED;
  }

  /** It has ended. */
  end(begunMs: number, held: boolean): void {
    const counter = this.#current;
    if (counter === undefined) return;
    if (held) counter.matches += 1;
    if (begunMs === UNTIMED) return;
    counter.sampled += 1;
    const tookMs = this.#nowMs() - begunMs;
    counter.sampledMs += tookMs;
    counter.longestMs = Math.max(counter.longestMs, tookMs);
  }

  /** Events of this mapping come in. */
  sees(mapping: string): void {
    this.#mappings.add(mapping);
  }

  /** Mappings whose events came in. */
  get mappings(): ReadonlySet<string> {
    return this.#mappings;
  }

  /** Rules that were asked, the costliest first. */
  costs(): RuleCost[] {
    return [...this.#counters.values()]
      .map((counter) => ({
        ruleId: counter.detection.rule.meta.id,
        title: counter.detection.rule.meta.title,
        candidates: counter.candidates,
        matches: counter.matches,
        sampled: counter.sampled,
        timeMs: meanOf(counter) * counter.candidates,
      }))
      .sort((a, b) => b.timeMs - a.timeMs || b.candidates - a.candidates);
  }
}

/** Mean of the samples, milliseconds; where there are several without the longest, which is a pause of the machine or a first use more often than the rule. */
function meanOf({ sampled, sampledMs, longestMs }: Counter): number {
  if (sampled === 0) return 0;
  return sampled > 2 ? (sampledMs - longestMs) / (sampled - 1) : sampledMs / sampled;
}
