/** What a line pushed to Loki becomes: a record with its labels and structured metadata as members. */
import type { RawRecord } from '../../source.ts';
import { besideFacts, dressLine } from '../beside-facts.ts';

/** Bounds of a request. */
export interface CutLimits {
  readonly maxRecords: number;
  /** Told of bytes that records are made of, before they are kept. */
  readonly charge: (bytes: number) => void;
}

/** A line, its time, and what is said beside it. */
export interface LokiEntry {
  readonly line: Uint8Array;
  readonly timeMs: number;
  readonly facts: Iterable<readonly [string, unknown]>;
}

/** The record. @throws what `charge` throws */
export function lokiRecord({ line, timeMs, facts }: LokiEntry, { charge }: Pick<CutLimits, 'charge'>): RawRecord {
  const bytes = dressLine(line, besideFacts(facts));
  charge(bytes.length);
  return { bytes, envelope: { timeMs } };
}
