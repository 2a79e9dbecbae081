/** One decoded record as the event that any door would make of it: for those who look at files without storing anything. */
import type { FrameRecord } from '@tocsin/core';
import type { AcceptedRecord } from './decoders/record-decoder.ts';
import { badId, toFrameRecord } from './event-facts.ts';
import { DEFAULT_MAX_SKEW_MS } from './intake.ts';
import type { MappingSet } from './mappings/mapping-set.ts';
import type { Source } from './source.ts';

/** Where and when a record came in. */
export interface Receipt {
  readonly source: Source;
  readonly receivedMs: number;
  /** When it was written at the latest, milliseconds since 1970: gives times without a year theirs. `receivedMs` where absent. */
  readonly writtenMs?: number | undefined;
  /** Id of the event where the record gives none that can be used. */
  readonly fallbackId: string;
}

/** The event of a record: its mapping, time, class, hot attributes, flags. */
export function normaliseRecord(set: Pick<MappingSet, 'map'>, decoded: AcceptedRecord, receipt: Receipt): FrameRecord {
  const mapped = set.map(decoded.format, decoded.fields, receipt.writtenMs ?? receipt.receivedMs);
  const own = mapped.producerEventId;
  const usable = own !== undefined && badId(own) === undefined ? own : undefined;
  return toFrameRecord({
    source: receipt.source,
    bytes: decoded.record,
    fields: decoded.fields,
    mapped,
    envelope: undefined,
    id: usable ?? receipt.fallbackId,
    producerId: usable !== undefined,
    receivedMs: receipt.receivedMs,
    maxSkewMs: DEFAULT_MAX_SKEW_MS,
  });
}
