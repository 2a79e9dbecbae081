/**
 * Taking steps through the folds so that no match can hold up another: what a detector's fold throws on is a dead letter and passed; what has
 * ended the thread before is left out, for ever, and a dead letter too.
 */
import type { StateBucket } from '@tocsin/bus';
import type { Alert, Match, MatchStep, Position } from '@tocsin/core';
import { DetectorFolds, type FoldFailure, type FoldSnapshot, type LoadedDetector, type OwnsKey } from '@tocsin/detect';
import type { DropReason } from '../../deadletters/dead-letter.ts';
import type { Drop } from '../../deadletters/drop.ts';
import { matchesSubject } from '../../subjects.ts';
import { CORRELATE_CONSUMER } from '../../topology.ts';
import type { BlackBox } from './black-box.ts';
import { type LeftOut, SetAside } from './set-aside.ts';
import type { Suspect } from './suspect.ts';
import { trackedMatches } from './tracked-matches.ts';

/** What the guard is made of. */
export interface FoldGuardOptions {
  readonly drop: Drop;
  readonly detectors: readonly LoadedDetector[];
  /** What the supervisor sees of the thread; nothing is seen where absent. */
  readonly box?: BlackBox | undefined;
  readonly suspects: readonly Suspect[];
  /** Bucket of what is left out. */
  readonly setAside: StateBucket;
  readonly nowMs: () => number;
  /** Of one shard among several: whether a key is its own. */
  readonly owns?: OwnsKey | undefined;
}

/** Folds of rules, as far as the guard needs them. */
export interface RuleFolds {
  advance(step: MatchStep): Alert[];
}

/** Steps through the folds of one correlator. */
export class FoldGuard {
  readonly #options: FoldGuardOptions;
  readonly #setAside: SetAside;
  #folds: DetectorFolds;

  private constructor(options: FoldGuardOptions, setAside: SetAside) {
    this.#options = options;
    this.#setAside = setAside;
    this.#folds = new DetectorFolds(options.detectors, { owns: options.owns });
  }

  static async open(options: FoldGuardOptions): Promise<FoldGuard> {
    return new FoldGuard(options, await SetAside.open(options.setAside));
  }

  /** Takes over the detectors' memories of a checkpoint. */
  restore(saved: Uint8Array | undefined): void {
    this.#folds = new DetectorFolds(this.#options.detectors, { saved, owns: this.#options.owns });
  }

  /** The detectors' memories as of now, for a checkpoint. */
  snapshot(): FoldSnapshot {
    const bytes = this.#folds.encode();
    return { isComplete: true, advance: () => undefined, finish: () => bytes };
  }

  /** Alerts that a step changed, each once. Resolves when what was left out is a dead letter. */
  async take(position: Position, step: MatchStep, rules: RuleFolds): Promise<Alert[]> {
    await this.#leaveOutSuspects(position, step);
    const leftOut = this.#setAside.of(position);
    const failures: FoldFailure[] = [];
    const { box } = this.#options;
    box?.enter('folding', position);
    const alerts = this.#byRules(position, step, { rules, leftOut });
    alerts.push(
      ...this.#folds.advance(step, {
        skip: (index) => leftOut.some((one) => one.index === index),
        onAsk: (index, detector) => box?.at(index, detector),
        onFailure: (failure) => failures.push(failure),
        origin: step.origin,
      }),
    );
    box?.leave();
    for (const { index, ruleId, cause } of failures)
      await this.#drop(position, step, { index, reason: 'threw', text: `detector ${ruleId}: ${String(cause)}` });
    return alerts;
  }

  /** A fold of a rule that throws has half a state: the thread ends, and the next one takes the step from the checkpoint without the match. */
  #byRules(position: Position, step: MatchStep, { rules, leftOut }: { rules: RuleFolds; leftOut: readonly LeftOut[] }): Alert[] {
    const { box, suspects } = this.#options;
    const isOut = (index: number): boolean => leftOut.some((one) => one.index === index && one.ruleId === undefined);
    const isTracked = suspects.some((suspect) => suspect.phase === 'folding' && suspect.position === position);
    const all = isTracked ? trackedMatches(step.matches, (place) => box?.at(place)) : step.matches;
    const plain = all.filter((match, index) => !this.#folds.knows(match.ruleId) && !isOut(index));
    try {
      return rules.advance(plain.length === step.matches.length && !isTracked ? step : { ...step, matches: plain });
    } catch (error) {
      box?.freeze();
      throw error;
    }
  }

  async #leaveOutSuspects(position: Position, step: MatchStep): Promise<void> {
    for (const { phase, position: at, index, detector, reason } of this.#options.suspects) {
      if (phase !== 'folding' || at !== position || index === -1) continue;
      const ruleId = this.#options.detectors[detector]?.meta.id;
      const one: LeftOut = { index, ruleId };
      if (this.#setAside.of(position).some((known) => known.index === index)) continue;
      await this.#drop(position, step, {
        index,
        reason,
        text: `${ruleId === undefined ? '' : `detector ${ruleId}: `}taking the match ended the thread (${reason})`,
      });
      await this.#setAside.add(position, one);
    }
  }

  async #drop(
    position: Position,
    step: MatchStep,
    { index, reason, text }: { index: number; reason: DropReason; text: string },
  ): Promise<void> {
    const match: Match | undefined = step.matches[index];
    // The watermark is no thing of anybody's: what a detector does not make of it is in the log only.
    if (match === undefined) return;
    await this.#options.drop(
      {
        tenant: match.tenant,
        consumer: CORRELATE_CONSUMER,
        kind: 'message',
        subject: matchesSubject(step.partition),
        position,
        index,
        messageId: `${position}#${index}`,
        headers: {},
        source: match.evidence.source,
        eventId: match.evidence.eventId,
        scope: `rule:${match.ruleId}`,
        body: Buffer.from(JSON.stringify(match)),
        errors: [{ attempt: 1, atMs: this.#options.nowMs(), text }],
      },
      reason,
    );
  }
}
