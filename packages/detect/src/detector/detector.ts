/**
 * The seam of detectors: what somebody writes in TypeScript where a rule does not say enough. A detector picks events and remembers what it
 * needs about them; which thread it runs in, how long it may take, where its states are kept and what an alert looks like is not its affair.
 */
import type { HotAttributes, Match } from '@tocsin/core';
import type { RuleMetadata } from '../parse/parsed-rule.ts';

/** Log sources a detector asks for, in Sigma's words; what is left out is not asked for. */
export interface DetectorSource {
  readonly product?: string | undefined;
  readonly category?: string | undefined;
  readonly service?: string | undefined;
}

/** One event as a detector sees it; not to be kept. */
export interface DetectorEvent {
  readonly tenant: string;
  readonly source: string;
  readonly id: string;
  /** Event time, milliseconds since 1970. */
  readonly timeMs: number;
  /** Normalised attributes, such as `actor.user.name`. */
  readonly attributes: HotAttributes;
  /** First value of a field by the name that rules use for it, as text; undefined where it has none. */
  get(field: string): string | undefined;
}

/** An alert that a detector raises. */
export interface DetectorAlert {
  /** Why, in one sentence with the facts. */
  readonly because: string;
  /** Earlier matches that belong to it, the earliest first. */
  readonly evidence?: readonly Match[] | undefined;
}

/** Outcome of a call to a detector's fold. */
export interface DetectorStep<S> {
  /** What to remember of the group from now on; null for nothing. Plain data, as JSON can hold it. */
  readonly state: S | null;
  readonly alert?: DetectorAlert | undefined;
}

/** Memory of a detector, per group. Pure: no clock, no randomness, no I/O. Time is the matches' own, and the watermark's. */
export interface DetectorFold<S> {
  /** What a group is called in alerts, such as `user`. */
  readonly groupName: string;
  /** Group of a match; undefined when it belongs to none. */
  key(match: Match): string | undefined;
  initial(): S;
  advance(state: S, match: Match): DetectorStep<S>;
  /** Called when event time has passed what `nextDue` said. */
  onWatermark?(state: S, watermarkMs: number): DetectorStep<S>;
  /** Event time from which `onWatermark` has something to do; null for never. */
  nextDue?(state: S): number | null;
  /** To be changed when states of before can no longer be read. */
  readonly version: number;
}

/** A detector, as a file exports it: `export const detector: Detector<State> = { … }`. */
export interface Detector<S = unknown> {
  /** Letters, digits and hyphens. Its alerts carry `detector.<id>` as the id of their rule. */
  readonly id: string;
  readonly title: string;
  /** What it finds, and what to do about it. */
  readonly description: string;
  readonly level: RuleMetadata['level'];
  /** Such as `attack.t1078`. */
  readonly tags?: readonly string[] | undefined;
  readonly sources: readonly DetectorSource[];
  /** Fields whose first values its matches carry in `group`. */
  readonly fields: readonly string[];
  /** Whether the detector wants the event. */
  select(event: DetectorEvent): boolean;
  readonly fold: DetectorFold<S>;
}

/** A detector that was loaded, with what its alerts say of it. */
export interface LoadedDetector {
  readonly detector: Detector;
  readonly meta: RuleMetadata;
}

/** Id of a detector as alerts and matches carry it. */
export function detectorRuleId(id: string): string {
  return `detector.${id}`;
}
