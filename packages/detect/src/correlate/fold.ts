/**
 * The seam of everything that needs memory over matches. A fold is pure and reads no clock: time is the matches' own and the
 * watermark's. Who keeps the states, the watermarks and the bounds is `fold-set.ts`.
 */
import type { Explanation, Match } from '@tocsin/core';
import type { ColdForm } from './cold-window-fold.ts';
import type { Episode } from './episode.ts';
import type { FoldMatch } from './held-match.ts';

/** How far out of order events may come and still be placed exactly, unless configured: this much event time behind the watermark. */
export const LATENESS_MS = 60_000;
/** A plain rule's alert takes further hits of its entity until this much event time has passed without one. */
export const EPISODE_GAP_MS = 3_600_000;

/** What a fold is told with every call; not to be kept. */
export interface FoldContext {
  readonly tenant: string;
  readonly groupKey: string;
  /** Merged over the sources that feed the fold; -Infinity before the first. Milliseconds since 1970. */
  readonly watermarkMs: number;
  /** Hash of the rule set in force. */
  readonly ruleSet: string;
}

/** A time at which a correlation's condition held: what correlations that refer to it are told. */
export interface Held {
  readonly timeMs: number;
  /** The match by which it was noticed; undefined where that was the watermark. */
  readonly match: FoldMatch | undefined;
  /** The episode it belongs to; undefined while that is not settled. */
  readonly episode: Episode | undefined;
  /** Whether the episode began with it: counted once by correlations that count. */
  readonly opens: boolean;
  /** Whether it says that the condition held then: what temporal correlations look at. */
  readonly holds: boolean;
}

/** Outcome of a call. */
export interface FoldStep<S> {
  /** State of the group from now on; null when there is nothing left to remember. The state given may have been changed in place. */
  readonly state: S | null;
  /** Episodes that changed. */
  readonly changed: readonly Episode[];
  /** Matches that came too late to be counted. */
  readonly late: number;
  /** When the condition held, in order of time; absent for folds without a condition. */
  readonly held?: readonly Held[] | undefined;
  /** Events at whose time the condition was found to hold. */
  readonly heldEvents?: number | undefined;
  /** Events that were forgotten before their time because the group had too many. */
  readonly clipped?: number | undefined;
}

/** Whether anybody else is to be told of a step. */
export function saysSomething({ changed, held }: FoldStep<unknown>): boolean {
  return changed.length > 0 || held !== undefined;
}

/** No episodes: shared by the many steps that change none. */
export const NO_EPISODES: readonly Episode[] = [];

/** Memory over the matches of one rule or correlation, per group. Not the fold's job: keeping states, watermarks, checkpoints. */
export interface Fold<S> {
  /** Changes when states of before can no longer be read; with it, what a state's meaning depends on. */
  readonly version: string;
  /** Group of a match; undefined when it belongs to none. */
  key(match: Match): string | undefined;
  initial(): S;
  /** Takes a match; undefined where it was only taken in: the state is as it was given, and nothing is due sooner than before. */
  advance(state: S, match: FoldMatch, context: FoldContext): FoldStep<S> | undefined;
  /** Called when the watermark has passed what `nextDue` said. */
  onWatermark(state: S, context: FoldContext): FoldStep<S>;
  /** Watermark from which `onWatermark` has something to do; null for never. */
  nextDue(state: S): number | null;
  /** Bytes of text and records the state roughly holds, for the bound on all states together. */
  weigh(state: S): number;
  /** What the alert explains beyond its matches. */
  explain(episode: Episode): readonly Explanation[];
  /** How groups are kept that have nothing to say yet; absent where each is an object from the first match on. */
  readonly cold?: ColdForm<S> | undefined;
  encode(state: S): Uint8Array;
  decode(bytes: Uint8Array): S;
}

/** States as JSON in UTF-8: enough for states that are plain data. */
export function encodeJson(state: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(state));
}

/** What `encodeJson` made. @throws SyntaxError */
export function decodeJson<S>(bytes: Uint8Array): S {
  return JSON.parse(new TextDecoder().decode(bytes)) as S;
}

/** Rough bytes of what is kept of a match. */
export function weighMatch(match: Pick<Match, 'evidence' | 'explanation'>): number {
  return 400 + (match.evidence.excerpt?.length ?? 0) + match.explanation.length * 200;
}

/** Rough bytes of an episode; the first few events carry excerpts. */
export function weighEpisode(episode: Episode): number {
  const { evidence, explanation } = episode;
  let bytes = 600 + explanation.length * 200 + evidence.length * 250;
  for (let i = 0; i < evidence.length && i < EXCERPTS; i++) bytes += evidence[i]?.excerpt?.length ?? 0;
  return bytes;
}

const EXCERPTS = 3;
