/**
 * The intake: what every listener hands its records to. Decodes, maps, recognises resends, frames, and answers per record once
 * it is fsynced. How one batch goes through it is in `intake-batch.ts`.
 */
import type { Clock, FrameRecord } from '@tocsin/core';
import { type DecodeLimits, defaultDecodeLimits } from './decoders/record-decoder.ts';
import { createRecordReader } from './decoders/record-reader.ts';
import { createEarlyAnswers } from './early-answers.ts';
import { CLAIMS } from './event-facts.ts';
import type { Framer } from './framer.ts';
import { type BatchFacilities, IntakeBatch } from './intake-batch.ts';
import type { MappingSet } from './mappings/mapping-set.ts';
import type { RawRecord, RecordResult, Source } from './source.ts';

/** Bounds of an intake. */
export interface IntakeLimits {
  /** How far in the future of receipt an event's time may lie; milliseconds. Default 5 minutes. */
  readonly maxSkewMs?: number | undefined;
  /** Bounds of one record. Default: 1 MiB, 64 levels, 10,000 members. */
  readonly decode?: DecodeLimits | undefined;
  /** Ids remembered to answer resends early. Default 100,000. */
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
  /** Any number nobody outside can know: spreads ids so that none can be aimed at one place of a table. Default 0. */
  readonly seed?: number | undefined;
  readonly limits?: IntakeLimits | undefined;
}

/** How a batch of records wants to be identified. */
export interface EmitOptions {
  /** Producer's key of the whole batch: record i that has no id of its own, in its envelope or in itself, gets `<key>-<i>`. */
  readonly idempotencyKey?: string | undefined;
}

/** Takes in records of a source. */
export interface Intake {
  /**
   * Resolves when everything that was not rejected is fsynced, with one result per record as decoded, in order: a raw record
   * that holds several gives several. Where it rejects, some may be stored: send all again with the same ids.
   * @throws ingest.overloaded, ingest.closing, bus.*
   */
  emit(source: Source, records: readonly RawRecord[], options?: EmitOptions): Promise<RecordResult[]>;
}

/** How far in the future of receipt an event's time may lie where nothing else is configured, milliseconds. */
export const DEFAULT_MAX_SKEW_MS = 5 * 60 * 1000;
const DEFAULT_MAX_EARLY_IDS = 100_000;

/** An intake; opens nothing. */
export function createIntake(options: IntakeOptions): Intake {
  const { limits } = options;
  const facilities: BatchFacilities = {
    ...options,
    read: createRecordReader([...options.mappings.members(), ...CLAIMS]),
    maxSkewMs: limits?.maxSkewMs ?? DEFAULT_MAX_SKEW_MS,
    decodeLimits: limits?.decode ?? defaultDecodeLimits,
    early: createEarlyAnswers(limits?.maxEarlyIds ?? DEFAULT_MAX_EARLY_IDS, options.seed),
  };
  return {
    emit: (source, records, emitOptions = {}) => new IntakeBatch(source, facilities, emitOptions.idempotencyKey).commit(records),
  };
}
