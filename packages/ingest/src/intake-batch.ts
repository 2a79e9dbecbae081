/**
 * One batch on its way through the intake: decoded, mapped, compared with what came lately, handed to the framer as one
 * addition. Which facts an event gets is in `event-facts.ts`, how resends are recognised in `early-answers.ts`.
 */
import { crc32 } from 'node:zlib';
import { type Clock, type EventPosition, type FrameRecord, TocsinError } from '@tocsin/core';
import type { DecodeTurns } from './decode-turns.ts';
import type { AcceptedRecord, DecodeLimits } from './decoders/record-decoder.ts';
import type { RecordReader } from './decoders/record-reader.ts';
import { type EarlyAnswers, type EarlyEntry, earlyKeyOf, type PendingBatch } from './early-answers.ts';
import { badId, toFrameRecord } from './event-facts.ts';
import type { Framer } from './framer.ts';
import type { EmitOptions } from './intake.ts';
import type { MappingSet } from './mappings/mapping-set.ts';
import type { Envelope, RawRecord, RecordResult, Source } from './source.ts';

/** What a batch uses of its intake. */
export interface BatchFacilities {
  readonly mappings: Pick<MappingSet, 'map'>;
  readonly framer: Pick<Framer, 'add'>;
  readonly read: RecordReader;
  readonly clock: Clock;
  readonly nextId: () => string;
  readonly maxSkewMs: number;
  readonly decodeLimits: DecodeLimits;
  readonly early: EarlyAnswers;
  readonly turns: DecodeTurns;
  readonly onFlagged?: ((source: Source, event: FrameRecord) => void) | undefined;
}

/** One record's answer, as far as it is known before the commit. */
type Pending =
  | { readonly result: RecordResult }
  | { readonly id: string; readonly index: number }
  | { readonly id: string; readonly joins: EarlyEntry };

/** A batch of one source; committed once. */
export class IntakeBatch {
  readonly #source: Source;
  readonly #use: BatchFacilities;
  readonly #options: EmitOptions;
  readonly #receivedMs: number;
  readonly #pending: Pending[] = [];
  readonly #events: FrameRecord[] = [];
  /** Ids of `#events`. */
  readonly #ids: string[] = [];
  readonly #stored = Promise.withResolvers<readonly EventPosition[]>();
  readonly #batch: PendingBatch;

  constructor(source: Source, facilities: BatchFacilities, options: EmitOptions) {
    this.#source = source;
    this.#use = facilities;
    this.#options = options;
    this.#batch = { owner: earlyKeyOf(source.tenant, source.name), ids: this.#ids, stored: this.#stored.promise };
    this.#receivedMs = facilities.clock.nowMs();
    // The batch's own failure is thrown by `commit`; often nobody else has joined it.
    void Promise.allSettled([this.#stored.promise]);
  }

  /** As `Intake.emit`. */
  async commit(records: readonly RawRecord[]): Promise<RecordResult[]> {
    const { tenant, lane, name, shard } = this.#source;
    try {
      const { length: steps } = records;
      await this.#use.turns.run({ owner: this.#batch.owner, lane, steps }, (index) => {
        const before = this.#pending.length;
        this.#take(records[index] as RawRecord);
        this.#options.onTaken?.(this.#pending.length - before);
      });
      this.#stored.resolve(await this.#use.framer.add({ tenant, lane, source: name, shard }, this.#events));
    } catch (error) {
      // Whatever went wrong: nobody may wait for this batch, and a resend must not be taken for stored.
      this.#use.early.forget(this.#batch);
      this.#stored.reject(error);
      throw error;
    }
    return await settle(this.#pending, await this.#stored.promise);
  }

  #take(raw: RawRecord): void {
    if (raw.refused !== undefined) {
      this.#pending.push({ result: { status: 'rejected', code: raw.refused.code, reason: raw.refused.reason } });
      return;
    }
    const decoded = this.#use.read(this.#source.format, raw.bytes, this.#use.decodeLimits);
    decoded.forEach((record, place) => {
      if ('rejected' in record) this.#pending.push({ result: { status: 'rejected', code: record.rejected, reason: record.reason } });
      else this.#takeAccepted(record, decoded.length === 1 ? raw.envelope : envelopeOfPart(raw.envelope, place), raw.receivedMs);
    });
  }

  #takeAccepted(record: AcceptedRecord, envelope: Envelope | undefined, receivedMs = this.#receivedMs): void {
    const mapped = this.#use.mappings.map(record.format, record.fields, receivedMs);
    const ownId = envelope?.id ?? usableId(mapped.producerEventId) ?? envelope?.fallbackId ?? this.#keyedId();
    const reason = ownId === undefined ? undefined : badId(ownId);
    if (reason !== undefined) {
      const { code, message } = new TocsinError('ingest.bad_record', { reason });
      this.#pending.push({ result: { status: 'rejected', code, reason: message } });
      return;
    }
    const event = toFrameRecord({
      source: this.#source,
      bytes: record.record,
      fields: record.fields,
      mapped,
      envelope,
      id: ownId ?? this.#use.nextId(),
      producerId: ownId !== undefined,
      receivedMs,
      maxSkewMs: this.#use.maxSkewMs,
    });
    if (event.producerId) this.#addIdentified(event);
    else this.#add(event);
  }

  /** `<key>-<place of the record in the answer>`, which is the same whenever the same body is sent again. */
  #keyedId(): string | undefined {
    const { idempotencyKey } = this.#options;
    return idempotencyKey === undefined ? undefined : `${idempotencyKey}-${this.#pending.length}`;
  }

  #addIdentified(event: FrameRecord): void {
    const index = this.#events.length;
    this.#ids[index] = event.id;
    const answer = this.#use.early.claim({ batch: this.#batch, index }, crc32(event.record));
    if (answer.kind === 'duplicate') this.#pending.push({ id: event.id, joins: answer.entry });
    else this.#add(answer.kind === 'new' ? event : { ...event, flags: [...event.flags, 'id_conflict'] });
  }

  #add(event: FrameRecord): void {
    this.#pending.push({ id: event.id, index: this.#events.length });
    this.#ids[this.#events.length] = event.id;
    this.#events.push(event);
    if (event.flags.length > 0) this.#use.onFlagged?.(this.#source, event);
  }
}

/** An id out of the record itself: where it will not do, the record has none. */
function usableId(id: string | undefined): string | undefined {
  return id !== undefined && badId(id) === undefined ? id : undefined;
}

/** Several records under one envelope: each gets the envelope's ids and its place. */
function envelopeOfPart(envelope: Envelope | undefined, place: number): Envelope | undefined {
  const part = (id: string | undefined): string | undefined => (id === undefined ? undefined : `${id}-${place}`);
  return envelope && { ...envelope, id: part(envelope.id), fallbackId: part(envelope.fallbackId) };
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
