/** What a windowed correlation remembers of one group, and how it is saved: numbers as they are, the few remembered matches as JSON. */
import type { Episode } from './episode.ts';
import { weighEpisode } from './fold.ts';
import type { RememberedMatch } from './held-match.ts';
import type { MeasureKind } from './measures/measure.ts';
import { NumberRing } from './number-ring.ts';
import { PackedRing } from './packed-ring.ts';
import type { Stretch } from './stretch.ts';
import { WaitingMatches } from './waiting-matches.ts';
import { WindowCursor, type WindowShape } from './window-cursor.ts';

/** The episode that takes further events. */
export interface OpenEpisode {
  readonly episode: Episode;
  fromMs: number;
  toMs: number;
  /** Events behind `toMs` that are no longer kept; they count as soon as a later window joins. */
  between: number;
}

/** Events of one group, its open episode and what waits to be decided. */
export interface WindowState {
  readonly cursor: WindowCursor;
  open: OpenEpisode | null;
  /** Satisfying stretches beside the open episode, in order of time: they wait, for an event that joins them may still come. */
  pending: Stretch[];
  /** First matches outside the open episode, to show when they turn out to belong to one. */
  readonly waiting: WaitingMatches;
  /** Windows that end before this are decided (conditions that wait for the watermark). */
  decidedMs: number;
  /** Mark of the event counted last (`MatchFields`): one event that satisfies two of the rules comes twice in a row. 0 for none. */
  last: number;
}

/** Earliest time a date can have (ECMA-262 "Time Values"). */
const FIRST_TIME_MS = -8.64e15;

/** A group without events. */
export function emptyState(kind: MeasureKind, shape: WindowShape): WindowState {
  return {
    cursor: new WindowCursor(kind, shape),
    open: null,
    pending: [],
    waiting: new WaitingMatches(),
    decidedMs: FIRST_TIME_MS,
    last: 0,
  };
}

/** Rough bytes of a state. */
export function weighState(state: WindowState): number {
  const { cursor, pending, open, waiting } = state;
  return 250 + cursor.bytes + 48 * pending.length + waiting.bytes + (open === null ? 0 : weighEpisode(open.episode));
}

/** A state as bytes: length of the JSON part, that part, then the events' numbers. */
export function encodeState(state: WindowState): Uint8Array {
  const { cursor, ...rest } = state;
  const json = new TextEncoder().encode(JSON.stringify(rest));
  const numbers = cursor.ring.toNumbers();
  const bytes = new Uint8Array(4 + json.length + numbers.byteLength);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, 4);
  bytes.set(new Uint8Array(numbers.buffer), 4 + json.length);
  return bytes;
}

/** What is JSON of a state. */
type SavedState = Omit<WindowState, 'cursor' | 'waiting'> & { readonly waiting: readonly RememberedMatch[] };

/** What `encodeState` made. @throws SyntaxError, RangeError */
export function decodeState(bytes: Uint8Array, kind: MeasureKind, shape: WindowShape): WindowState {
  const jsonBytes = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
  const rest = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + jsonBytes))) as SavedState;
  // Copied, so that the numbers lie where eight bytes may be read at once.
  const numbers = new Float64Array(bytes.slice(4 + jsonBytes).buffer);
  return {
    ...rest,
    waiting: new WaitingMatches(rest.waiting),
    cursor: new WindowCursor(kind, shape, kind.isRaw ? NumberRing.of(numbers) : PackedRing.of(numbers)),
  };
}
