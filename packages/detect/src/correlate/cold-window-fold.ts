/**
 * What a windowed correlation does with a group that cannot satisfy its condition yet: counts its events in columns, without measuring
 * anything. Only conditions that more events cannot undo are so patient, and only windows with a fixed end. The outcome is that of
 * `window-machine.ts`, which takes over as soon as the condition might hold.
 */

import type { ColdWindows } from './cold-windows.ts';
import { MAX_COLD } from './cold-windows.ts';
import type { FoldContext } from './fold.ts';
import type { FoldMatch, RememberedMatch } from './held-match.ts';
import type { MatchFields } from './match-fields.ts';
import type { MeasureKind } from './measures/measure.ts';
import { MAX_WAITING } from './waiting-matches.ts';
import type { WindowShape } from './window-cursor.ts';
import { emptyState, type WindowState } from './window-state.ts';

/** What came of a match: counted, nothing to count, too late, or the group must wake up first. */
export type ColdOutcome = 'counted' | 'passed' | 'late' | 'wake';

/** How a fold keeps groups in columns until they may have something to say. */
export interface ColdForm<S> {
  take(store: ColdWindows, group: number, match: FoldMatch, context: FoldContext): ColdOutcome;
  /** The group's state as an object; nothing of it is left in the columns. */
  wake(store: ColdWindows, group: number): S;
  /** Forgets what no window can hold any more at a watermark. */
  trim(store: ColdWindows, group: number, watermarkMs: number): void;
  /** Watermark from which there is something to forget. */
  nextDue(store: ColdWindows, group: number): number;
  encode(store: ColdWindows, group: number): Uint8Array;
  /** Takes over what `encode` made; false where the bytes are another kind of state. @throws SyntaxError */
  restore(store: ColdWindows, group: number, bytes: Uint8Array): boolean;
}

/** What a cold form is made of. */
export interface ColdWindowParts {
  readonly kind: MeasureKind;
  readonly shape: WindowShape;
  readonly suppressMs: number;
  readonly latenessMs: number;
  readonly fields: MatchFields;
  payloadOf(match: FoldMatch): number | undefined;
}

type SavedEvent = readonly [timeMs: number, payload: number, match: RememberedMatch | 0];

/** Cold form of a windowed correlation; undefined where every event has to be measured. */
export function createColdForm(parts: ColdWindowParts): ColdForm<WindowState> | undefined {
  const { mayHold } = parts.kind;
  return mayHold === undefined || parts.shape.isSession ? undefined : new ColdWindowForm(parts, mayHold);
}

class ColdWindowForm implements ColdForm<WindowState> {
  readonly #parts: ColdWindowParts;
  readonly #mayHold: NonNullable<MeasureKind['mayHold']>;
  /** How far behind the watermark an event still matters. */
  readonly #keepMs: number;
  readonly #settledMs: number;

  constructor(parts: ColdWindowParts, mayHold: NonNullable<MeasureKind['mayHold']>) {
    this.#parts = parts;
    this.#mayHold = mayHold;
    this.#keepMs = parts.latenessMs + parts.shape.timespanMs;
    this.#settledMs = this.#keepMs + parts.suppressMs + 1;
  }

  // oxlint-disable-next-line max-params -- R3: whose columns, which group, and what every fold is told of a match.
  take(store: ColdWindows, group: number, match: FoldMatch, context: FoldContext): ColdOutcome {
    const { kind, fields, latenessMs, payloadOf } = this.#parts;
    if (match.timeMs < context.watermarkMs - latenessMs) return 'late';
    // Alerts of correlations below stand for themselves, whichever event raised them.
    if (match.alert !== undefined) return 'wake';
    const mark = fields.markOf(match);
    const isSame = store.markOf(group) === mark;
    const payload = isSame && !kind.joinsRules ? undefined : payloadOf(match);
    if (payload === undefined) return 'passed';
    this.trim(store, group, context.watermarkMs);
    const events = store.lengthOf(group) + 1;
    if (events > MAX_COLD || this.#mayHold(events, store.joinedOf(group) | payload)) return 'wake';
    if (isSame && events > 1) store.join(group, match.timeMs, payload);
    else {
      const evidence = store.rememberedOf(group) < MAX_WAITING ? store.evidence.put(match) : -1;
      store.add(group, { timeMs: match.timeMs, payload, evidence });
    }
    store.setMark(group, mark);
    return 'counted';
  }

  wake(store: ColdWindows, group: number): WindowState {
    const { kind, shape } = this.#parts;
    const state = emptyState(kind, shape);
    for (let i = 0; i < store.lengthOf(group); i++) {
      const { timeMs, payload, evidence } = store.eventAt(group, i);
      state.cursor.insert(timeMs, payload);
      if (evidence >= 0) state.waiting.remember(store.evidence.get(evidence), this.#settledMs);
    }
    state.last = store.markOf(group);
    store.drop(group);
    return state;
  }

  trim(store: ColdWindows, group: number, watermarkMs: number): void {
    const beforeMs = watermarkMs - this.#keepMs;
    if (store.lengthOf(group) > 0 && store.timeAt(group, 0) < beforeMs) store.dropBefore(group, beforeMs);
  }

  nextDue(store: ColdWindows, group: number): number {
    return store.timeAt(group, store.lengthOf(group) - 1) + this.#settledMs;
  }

  encode(store: ColdWindows, group: number): Uint8Array {
    const events = Array.from({ length: store.lengthOf(group) }, (_, index): SavedEvent => {
      const { timeMs, payload, evidence } = store.eventAt(group, index);
      return [timeMs, payload, evidence < 0 ? 0 : rememberedOf(store.evidence.get(evidence))];
    });
    const json = new TextEncoder().encode(JSON.stringify([store.markOf(group), events]));
    const bytes = new Uint8Array(MARK.length + json.length);
    bytes.set(MARK);
    bytes.set(json, MARK.length);
    return bytes;
  }

  restore(store: ColdWindows, group: number, bytes: Uint8Array): boolean {
    if (!MARK.every((byte, index) => bytes[index] === byte)) return false;
    const [mark, events] = JSON.parse(new TextDecoder().decode(bytes.subarray(MARK.length))) as [number, SavedEvent[]];
    for (const [timeMs, payload, match] of events)
      store.add(group, { timeMs, payload, evidence: match === 0 ? -1 : store.evidence.put(match) });
    store.setMark(group, mark);
    return true;
  }
}

/** What a checkpoint keeps of a match. */
function rememberedOf({ timeMs, receivedMs, evidence, group, entities, explanation }: RememberedMatch): RememberedMatch {
  return { timeMs, receivedMs, evidence, group, entities, explanation };
}

/** How the bytes of a group in columns begin: no length of a JSON part, with which the others begin, is that large. */
const MARK = new Uint8Array([0xff, 0xff, 0xff, 0xff]);
