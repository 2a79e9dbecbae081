/**
 * The intake: what every listener hands its records to. Decodes, maps, recognises resends, frames, and answers per record once
 * it is fsynced. Which facts an event gets is in `event-facts.ts`; how resends are recognised, in `early-answers.ts`.
 */
import { crc32 } from 'node:zlib';
import { type Clock, type EventPosition, type FrameRecord, TocsinError } from '@tocsin/core';
import type { AcceptedRecord } from './decoders/record-decoder.ts';
import { createEarlyAnswers, type EarlyAnswers, type EarlyEntry, earlyKeyOf } from './early-answers.ts';
import { badId, toFrameRecord } from './event-facts.ts';
import type { Framer } from './framer.ts';
import type { DecodeRecords, Envelope, MapRecord, RawRecord, RecordResult, Source } from './source.ts';

/** Bounds of an intake. */
export interface IntakeLimits {
  /** How far in the future of receipt an event's time may lie; milliseconds. Default 5 minutes. */
  readonly maxSkewMs?: number | undefined;
  /** Largest event in bytes. Default 1 MiB. */
  readonly maxEventBytes?: number | undefined;
  /** Ids remembered to answer resends early. Default 100,000. */
  readonly maxEarlyIds?: number | undefined;
}

/** What an intake is made of. */
export interface IntakeOptions {
  readonly decode: DecodeRecords;
  readonly map: MapRecord;
  readonly framer: Pick<Framer, 'add'>;
  readonly clock: Clock;
  /** Makes ids for records that have none: ULIDs. */
  readonly nextId: () => string;
  readonly limits?: IntakeLimits | undefined;
}

/** How a batch of records wants to be identified. */
export interface EmitOptions {
  /** Producer's key of the whole batch: record i that has no id of its own in its envelope gets `<key>-<i>`. */
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

const DEFAULT_MAX_SKEW_MS = 5 * 60 * 1000;
const DEFAULT_MAX_EVENT_BYTES = 1024 * 1024;
const DEFAULT_MAX_EARLY_IDS = 100_000;

/** An intake; opens nothing. */
export function createIntake(options: IntakeOptions): Intake {
  const bounds: Bounds = {
    maxSkewMs: options.limits?.maxSkewMs ?? DEFAULT_MAX_SKEW_MS,
    maxEventBytes: options.limits?.maxEventBytes ?? DEFAULT_MAX_EVENT_BYTES,
  };
  const early = createEarlyAnswers(options.limits?.maxEarlyIds ?? DEFAULT_MAX_EARLY_IDS);
  return {
    async emit(source, records, emitOptions = {}) {
      const batch = createBatch({ ...options, source, bounds, early, receivedMs: options.clock.nowMs(), idempotencyKey: emitOptions.idempotencyKey });
      return await batch.commit(records);
    },
  };
}

interface Bounds {
  readonly maxSkewMs: number;
  readonly maxEventBytes: number;
}

interface BatchOptions extends IntakeOptions {
  readonly source: Source;
  readonly bounds: Bounds;
  readonly early: EarlyAnswers;
  readonly receivedMs: number;
  readonly idempotencyKey: string | undefined;
}

/** One record's answer, as far as it is known before the commit. */
type Pending =
  | { readonly result: RecordResult }
  | { readonly id: string; readonly index: number }
  | { readonly id: string; readonly joins: EarlyEntry };

interface Batch {
  commit(records: readonly RawRecord[]): Promise<RecordResult[]>;
}

function createBatch(options: BatchOptions): Batch {
  const { source, bounds, early } = options;
  const stem = earlyKeyOf(source.tenant, source.name);
  const pending: Pending[] = [];
  const frames: FrameRecord[] = [];
  const claimed: { key: string; entry: EarlyEntry }[] = [];
  const { promise: stored, resolve, reject } = Promise.withResolvers<readonly EventPosition[]>();
  // The batch's own failure is thrown by `commit`; nobody else may have joined it.
  stored.catch(() => undefined);

  const takeAccepted = (accepted: AcceptedRecord, envelope: Envelope | undefined): void => {
    const mapped = options.map(accepted, options.receivedMs);
    const ownId = envelope?.id ?? (options.idempotencyKey === undefined ? mapped.id : `${options.idempotencyKey}-${pending.length}`);
    const reason = ownId === undefined ? undefined : badId(ownId);
    if (reason !== undefined) return refuse(new TocsinError('ingest.bad_record', { reason }));
    const id = ownId ?? options.nextId();
    const facts = { source, bytes: accepted.record, fields: accepted.fields, mapped, envelope, id, receivedMs: options.receivedMs, maxSkewMs: bounds.maxSkewMs };
    const event = toFrameRecord({ ...facts, producerId: ownId !== undefined });
    if (ownId === undefined) add(event);
    else addIdentified(event, stem + ownId);
  };
  const refuse = (error: TocsinError): void => {
    pending.push({ result: { status: 'rejected', code: error.code, reason: error.message } });
  };
  const add = (event: FrameRecord): void => {
    pending.push({ id: event.id, index: frames.length });
    frames.push(event);
  };
  const addIdentified = (event: FrameRecord, key: string): void => {
    const content = crc32(event.record);
    const answer = early.find(key, content);
    if (answer.kind === 'duplicate') {
      pending.push({ id: event.id, joins: answer.entry });
      return;
    }
    const entry: EarlyEntry = { content, batch: { stored }, index: frames.length };
    early.add(key, entry);
    claimed.push({ key, entry });
    add(answer.kind === 'new' ? event : { ...event, flags: [...event.flags, 'id_conflict'] });
  };

  const take = (raw: RawRecord): void => {
    if (raw.refused !== undefined) {
      pending.push({ result: { status: 'rejected', code: raw.refused.code, reason: raw.refused.reason } });
      return;
    }
    const decoded = options.decode(source.format, raw.bytes);
    decoded.forEach((record, place) => {
      if ('rejected' in record) pending.push({ result: { status: 'rejected', code: record.rejected, reason: record.reason } });
      else if (record.record.length > bounds.maxEventBytes) {
        refuse(new TocsinError('ingest.record_too_large', { bytes: record.record.length, maxBytes: bounds.maxEventBytes }));
      } else takeAccepted(record, decoded.length === 1 ? raw.envelope : envelopeOfPart(raw.envelope, place));
    });
  };

  return {
    async commit(records) {
      try {
        for (const raw of records) take(raw);
        resolve(await options.framer.add({ tenant: source.tenant, lane: source.lane, source: source.name, shard: source.shard }, frames));
      } catch (error) {
        // Whatever went wrong: nobody may wait for this batch, and a resend must not be taken for stored.
        for (const { key, entry } of claimed) early.remove(key, entry);
        reject(error);
        throw error;
      }
      return await settle(pending, await stored);
    },
  };
}

/** Several records under one envelope: each gets the envelope's id and its place. */
function envelopeOfPart(envelope: Envelope | undefined, place: number): Envelope | undefined {
  return envelope?.id === undefined ? envelope : { ...envelope, id: `${envelope.id}-${place}` };
}

async function settle(pending: readonly Pending[], positions: readonly EventPosition[]): Promise<RecordResult[]> {
  const results: RecordResult[] = [];
  for (const one of pending) {
    if ('result' in one) results.push(one.result);
    else if ('index' in one) results.push({ status: 'stored', id: one.id, at: positionAt(positions, one.index) });
    else results.push({ status: 'duplicate', id: one.id, at: positionAt(await one.joins.batch.stored, one.joins.index) });
  }
  return results;
}

function positionAt(positions: readonly EventPosition[], index: number): EventPosition {
  const position = positions[index];
  if (position === undefined) throw new TocsinError('ingest.internal', { what: 'An event without a position' });
  return position;
}
