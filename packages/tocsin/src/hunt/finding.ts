/** What a hunt found, as its outputs show it: a record that a rule holds for, or a correlation that came about. */
import type { Explanation, HotAttributes } from '@tocsin/core';
import type { RuleMetadata } from '@tocsin/detect/judge';

/** A place in an input. */
export interface FindingPlace {
  readonly file: string;
  /** From 1; number of the record where the file has no lines. */
  readonly line: number;
}

/** A rule that holds for a record. */
export interface MatchFinding {
  readonly kind: 'match';
  readonly rule: RuleMetadata;
  readonly place: FindingPlace;
  /** Event time, milliseconds since 1970; undefined where the record gives none. */
  readonly timeMs: number | undefined;
  readonly attributes: HotAttributes;
  /** What held, on which values; empty where it was not asked for. */
  readonly explanation: readonly Explanation[];
  /** The record's text, cut at 4 KiB; empty where it was not asked for. */
  readonly record: string;
}

/** A correlation over several records. */
export interface CorrelationFinding {
  readonly kind: 'correlation';
  readonly rule: RuleMetadata;
  readonly groupBy: Readonly<Record<string, string>>;
  readonly host: string | undefined;
  readonly user: string | undefined;
  /** Events counted, and the event times of the first and last, milliseconds since 1970. */
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** The first events. */
  readonly places: readonly FindingPlace[];
  readonly explanation: readonly Explanation[];
}

/** Anything found. */
export type Finding = MatchFinding | CorrelationFinding;

/** Host a finding is about. */
export function hostOf(finding: Finding): string | undefined {
  return finding.kind === 'match' ? finding.attributes['device.hostname'] : finding.host;
}

/** User a finding is about. */
export function userOf(finding: Finding): string | undefined {
  return finding.kind === 'match' ? finding.attributes['actor.user.name'] : finding.user;
}

/** When it was, first. */
export function timeOf(finding: Finding): number | undefined {
  return finding.kind === 'match' ? finding.timeMs : finding.firstMs;
}

/** Where it is seen first. */
export function placeOf(finding: Finding): FindingPlace | undefined {
  return finding.kind === 'match' ? finding.place : finding.places[0];
}

/** Time as ISO 8601 in UTC; undefined where it is none. */
export function isoTime(timeMs: number | undefined): string | undefined {
  const date = new Date(timeMs ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
