/** Frames as the coverage ledger takes them: their events counted by source, mapping and minute, and which of them came late. */
import { parsePosition } from '@tocsin/bus';
import { type DedupVerdict, type FrameView, tenantKey } from '@tocsin/core';
import type { CoverageLedger, CoverageTally, CoveredFrame } from '@tocsin/store';
import type { FedFrame } from '../duties/frame-feed.ts';

const MINUTE_MS = 60_000;

/** Counts frames in the order of each partition. */
export class CoveredFrames {
  readonly #latenessMs: number;
  /** Newest event time by partition, tenant and source. */
  readonly #newest: Map<string, number>;

  /** Goes on from what the ledger knows. */
  constructor(ledger: Pick<CoverageLedger, 'newest'>, latenessMs: number) {
    this.#latenessMs = latenessMs;
    this.#newest = new Map(ledger.newest().map((one) => [keyOf(one.partition, one.tenant, one.source), one.timeMs]));
  }

  /** A frame's tallies; duplicates are in none. */
  take(fed: FedFrame, frame: FrameView, verdicts: readonly DedupVerdict[]): CoveredFrame {
    const { partition, tenant, count } = frame.header;
    const tallies = new Map<string, Writable<CoverageTally>>();
    const newest = new Map<string, number>();
    let receivedMs = Number.POSITIVE_INFINITY;
    let tally: Writable<CoverageTally> | undefined;
    for (let i = 0; i < count; i++) {
      const received = frame.receivedMs(i);
      if (received < receivedMs) receivedMs = received;
      if (verdicts[i] === 'duplicate') continue;
      const [source, timeMs] = [frame.source(i), frame.timeMs(i)];
      tally = tallyFor(tallies, tally, { source, mapping: frame.mapping(i), minuteMs: Math.floor(timeMs / MINUTE_MS) * MINUTE_MS });
      tally.events += 1;
      const before = newest.get(source) ?? this.#newest.get(keyOf(partition, tenant, source)) ?? Number.NEGATIVE_INFINITY;
      if (timeMs < before - this.#latenessMs) tally.late += 1;
      // A time in the future is one record's claim, as for the watermarks.
      newest.set(source, Math.max(before, Math.min(timeMs, received)));
    }
    for (const [source, timeMs] of newest) this.#newest.set(keyOf(partition, tenant, source), timeMs);
    const { sequence } = parsePosition(fed.position);
    return { sequence, partition, tenant, receivedMs, tallies: [...tallies.values()], newest: [...newest] };
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type TallyPlace = Pick<CoverageTally, 'source' | 'mapping' | 'minuteMs'>;

/** Most events are of the same place as the one before. */
function tallyFor(
  tallies: Map<string, Writable<CoverageTally>>,
  last: Writable<CoverageTally> | undefined,
  place: TallyPlace,
): Writable<CoverageTally> {
  if (last !== undefined && last.minuteMs === place.minuteMs && last.source === place.source && last.mapping === place.mapping) return last;
  const key = JSON.stringify([place.source, place.mapping, place.minuteMs]);
  const known = tallies.get(key) ?? { ...place, events: 0, late: 0 };
  tallies.set(key, known);
  return known;
}

function keyOf(partition: number, tenant: string, source: string): string {
  return `${partition} ${tenantKey(tenant, source)}`;
}
