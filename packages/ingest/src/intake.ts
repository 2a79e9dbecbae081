/**
 * The intake: what every listener hands its records to. Decodes, maps, recognises resends, frames, and answers per record once
 * it is fsynced. How one batch goes through it is in `intake-batch.ts`.
 */
import type { Clock, EventPosition, FrameRecord, HashKey } from '@tocsin/core';
import type { SourceActivity } from './activity/source-activity.ts';
import type { Admission } from './admission/admission.ts';
import { DecodeTurns } from './decode-turns.ts';
import { type DecodeLimits, defaultDecodeLimits } from './decoders/record-decoder.ts';
import { createRecordReader } from './decoders/record-reader.ts';
import { createEarlyAnswers, type PendingBatch } from './early-answers.ts';
import { CLAIMS } from './event-facts.ts';
import type { Framer } from './framer.ts';
import { type BatchFacilities, IntakeBatch } from './intake-batch.ts';
import type { MappingSet } from './mappings/mapping-set.ts';
import type { SchemaCheck } from './schemas/schema-check.ts';
import type { QuarantinedRecord, RawRecord, RecordResult, Source } from './source.ts';

/** Bounds of an intake. */
export interface IntakeLimits {
  /** How far in the future of receipt an event's time may lie; milliseconds. Default 5 minutes. */
  readonly maxSkewMs?: number | undefined;
  /** Bounds of one record. Default: 1 MiB, 64 levels, 10,000 members. */
  readonly decode?: DecodeLimits | undefined;
  /** Ids remembered to answer resends early, about 100 bytes each with the positions they are answered with. Default 262,144. */
  readonly maxEarlyIds?: number | undefined;
}

/** What an intake is made of. */
export interface IntakeOptions {
  readonly mappings: Pick<MappingSet, 'map' | 'members'>;
  readonly framer: Pick<Framer, 'add'>;
  readonly clock: Clock;
  /** Makes ids for records that have none: ULIDs. */
  readonly nextId: () => string;
  /** Told of each event that carries a flag, before it is stored. Must be quick and must not throw. */
  readonly onFlagged?: ((source: Source, event: FrameRecord) => void) | undefined;
  /** 64 bits that nobody outside can know: no id can then be made that is taken for another's resend. Default: none, for tests. */
  readonly earlyKey?: HashKey | undefined;
  readonly limits?: IntakeLimits | undefined;
  /** Asked before anything of a batch is decoded, told of every batch that was refused as a whole. Without it everything is admitted. */
  readonly admission?: Pick<Admission, 'admit' | 'refused'> | undefined;
  /** Holds records of sources that ask for it against the schema of their type. */
  readonly check?: SchemaCheck | undefined;
  /** Keeps events aside that do not fit, where their source enforces it; resolves when they are durable. Without it they are flagged only. */
  readonly quarantine?: ((source: Source, records: readonly QuarantinedRecord[]) => Promise<void>) | undefined;
  /** Told of every batch that was answered. */
  readonly activity?: Pick<SourceActivity, 'took'> | undefined;
}

/** How a batch of records wants to be identified. */
export interface EmitOptions {
  /** Producer's key of the whole batch: record i that has no id of its own, in its envelope or in itself, gets `<key>-<i>`. */
  readonly idempotencyKey?: string | undefined;
  /** Set where nothing was ever given under this key: then no resend is looked for among the ids that come of it. */
  readonly isFirst?: boolean | undefined;
  /** Told record by record how many results it will have: an envelope has as many as records in it. For protocols that answer per record as sent. */
  readonly onTaken?: ((results: number) => void) | undefined;
}

/** Takes in records of a source. */
export interface Intake {
  /**
   * Resolves when everything that was not rejected is fsynced, with one result per record as decoded, in order: a raw record
   * that holds several gives several. Where it rejects, some may be stored: send all again with the same ids.
   * Whoever listens needs no admission of its own: a batch beyond its quota is refused here, as a whole and before it is decoded.
   * @throws flow.* (not admitted: nothing was stored, come again after `retryAfterMs`), ingest.overloaded, ingest.closing, bus.*
   */
  emit(source: Source, records: readonly RawRecord[], options?: EmitOptions): Promise<RecordResult[]>;
  /**
   * Takes note of events of one source that are stored already: resends of them are answered `duplicate` with these positions. For
   * filling the memory of a new process from the log; what is not noted is stored again and left out by whoever reads.
   */
  remember(owner: { readonly tenant: string; readonly source: string }, events: readonly StoredEvent[]): void;
}

/** An event as it stands in the log. */
export interface StoredEvent {
  readonly id: string;
  /** CRC-32 (IEEE) of its record. */
  readonly contentHash32: number;
  readonly at: EventPosition;
}

/** How far in the future of receipt an event's time may lie where nothing else is configured, milliseconds. */
export const DEFAULT_MAX_SKEW_MS = 5 * 60 * 1000;
/** Ids remembered to answer resends early where nothing else is configured. */
export const DEFAULT_MAX_EARLY_IDS = 262_144;

/** An intake; opens nothing. */
export function createIntake(options: IntakeOptions): Intake {
  const { limits } = options;
  const facilities: BatchFacilities = {
    ...options,
    read: createRecordReader([...options.mappings.members(), ...CLAIMS]),
    maxSkewMs: limits?.maxSkewMs ?? DEFAULT_MAX_SKEW_MS,
    decodeLimits: limits?.decode ?? defaultDecodeLimits,
    early: createEarlyAnswers(limits?.maxEarlyIds ?? DEFAULT_MAX_EARLY_IDS, options.earlyKey),
    turns: new DecodeTurns(options.clock),
  };
  const { admission, activity } = options;
  return {
    async emit(source, records, emitOptions = {}) {
      const load = { records: records.length, bytes: records.reduce((sum, { bytes }) => sum + bytes.length, 0) };
      try {
        admission?.admit(source, load);
        const batch = new IntakeBatch(source, facilities, emitOptions);
        const results = await batch.commit(records);
        activity?.took(source, { bytes: load.bytes, results, events: batch.events });
        return results;
      } catch (error) {
        admission?.refused(source, error, load);
        throw error;
      }
    },
    remember({ tenant, source }, events) {
      const batch: PendingBatch = {
        tenant,
        source,
        stored: Promise.resolve(events.map(({ at }) => at)),
      };
      events.forEach(({ id, contentHash32 }, index) => facilities.early.claim(id, { batch, index }, contentHash32));
    },
  };
}
