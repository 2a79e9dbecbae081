/**
 * One batch on its way through the intake: decoded, mapped, compared with what came lately, handed to the framer as one
 * addition. Which facts an event gets is in `event-facts.ts`, how resends are recognised in `early-answers.ts`.
 */
import { crc32 } from 'node:zlib';
import { type Clock, type EventPosition, type FrameRecord, sourceKey, TocsinError } from '@tocsin/core';
import type { DecodeTurns } from './decode-turns.ts';
import { decoders } from './decoders/decoders.ts';
import type { AcceptedRecord, DecodedRecord, DecodeLimits } from './decoders/record-decoder.ts';
import type { RecordReader } from './decoders/record-reader.ts';
import type { EarlyAnswers, EarlyEntry, PendingBatch } from './early-answers.ts';
import { badId, toFrameRecord } from './event-facts.ts';
import type { Framer } from './framer.ts';
import type { EmitOptions } from './intake.ts';
import type { MappingSet } from './mappings/mapping-set.ts';
import type { RecordPrivacy } from './privacy/record-privacy.ts';
import type { SchemaCheck } from './schemas/schema-check.ts';
import type { Envelope, QuarantinedRecord, RawRecord, RecordResult, Source } from './source.ts';

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
  readonly check?: SchemaCheck | undefined;
  readonly quarantine?: ((source: Source, records: readonly QuarantinedRecord[]) => Promise<void>) | undefined;
}

/** One record's answer, as far as it is known before the commit. */
type Pending =
  | { readonly result: RecordResult }
  | { readonly id: string; readonly index: number }
  | { readonly id: string; readonly joins: EarlyEntry };

/** What came with a record beside its bytes. */
type Beside = Pick<RawRecord, 'envelope' | 'receivedMs'>;

/** What treating a record by its source's policies has shown of it. */
interface Treatment {
  readonly hasSecret: boolean;
  readonly alias: ((id: string | undefined) => string | undefined) | undefined;
}

const UNTREATED: Treatment = Object.freeze({ hasSecret: false, alias: undefined });

/** A batch of one source; committed once. */
export class IntakeBatch {
  readonly #source: Source;
  readonly #use: BatchFacilities;
  readonly #options: EmitOptions;
  readonly #receivedMs: number;
  readonly #pending: Pending[] = [];
  readonly #events: FrameRecord[] = [];
  readonly #quarantined: QuarantinedRecord[] = [];
  readonly #stored = Promise.withResolvers<readonly EventPosition[]>();
  readonly #batch: PendingBatch;

  constructor(source: Source, facilities: BatchFacilities, options: EmitOptions) {
    this.#source = source;
    this.#use = facilities;
    this.#options = options;
    this.#batch = { tenant: source.tenant, source: source.name, stored: this.#stored.promise };
    this.#receivedMs = facilities.clock.nowMs();
    // The batch's own failure is thrown by `commit`; often nobody else has joined it.
    void Promise.allSettled([this.#stored.promise]);
  }

  /** What is new in it; whole once `commit` has resolved. */
  get events(): readonly FrameRecord[] {
    return this.#events;
  }

  /** As `Intake.emit`. */
  async commit(records: readonly RawRecord[]): Promise<RecordResult[]> {
    const { tenant, lane, name, shard } = this.#source;
    try {
      const { length: steps } = records;
      await this.#use.turns.run({ owner: sourceKey(tenant, name), lane, steps }, (index) => {
        const before = this.#pending.length;
        this.#take(records[index] as RawRecord);
        this.#options.onTaken?.(this.#pending.length - before);
      });
      if (this.#quarantined.length > 0) await this.#use.quarantine?.(this.#source, this.#quarantined);
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
    const { format, privacy } = this.#source;
    // Rules may name any field: then all of them are read.
    const decoded =
      privacy === undefined
        ? this.#use.read(format, raw.bytes, this.#use.decodeLimits)
        : decoders[format].decode(raw.bytes, this.#use.decodeLimits);
    const [only] = decoded;
    // Nothing is made for each of the many records that come one by one.
    if (only !== undefined && decoded.length === 1) return this.#takeDecoded(only, raw);
    decoded.forEach((record, place) =>
      this.#takeDecoded(record, { envelope: envelopeOfPart(raw.envelope, place), receivedMs: raw.receivedMs }),
    );
  }

  #takeDecoded(record: DecodedRecord, beside: Beside): void {
    const { privacy } = this.#source;
    if ('rejected' in record) this.#pending.push({ result: { status: 'rejected', code: record.rejected, reason: record.reason } });
    else if (privacy === undefined) this.#takeTreated(record, beside, UNTREATED);
    else this.#treat(record, beside, privacy);
  }

  #treat(record: AcceptedRecord, { envelope, receivedMs }: Beside, privacy: RecordPrivacy): void {
    const treated = privacy.treat(record, this.#use.decodeLimits);
    if (treated.kind === 'dropped') this.#pending.push({ result: { status: 'dropped', rule: treated.rule } });
    else if (treated.kind === 'refused') this.#pending.push({ result: { status: 'rejected', ...treated.refusal } });
    else
      this.#takeTreated(
        treated.record,
        { envelope: privacy.envelope(envelope), receivedMs },
        { hasSecret: treated.hasSecret, alias: treated.record === record ? undefined : this.#aliasOf(record, privacy) },
      );
  }

  /** What the record's own id becomes where it is one of what was replaced: masked ids would all be the same. */
  #aliasOf(before: AcceptedRecord, privacy: RecordPrivacy): (id: string | undefined) => string | undefined {
    const own = this.#use.mappings.map(before.format, before.fields, this.#receivedMs).producerEventId;
    return (id) => (id === own || own === undefined ? id : privacy.alias(own));
  }

  #takeTreated(record: AcceptedRecord, { envelope, receivedMs = this.#receivedMs }: Beside, { hasSecret, alias }: Treatment): void {
    const mapped = this.#use.mappings.map(record.format, record.fields, receivedMs);
    const givenId = givenIdOf(envelope, alias === undefined ? mapped.producerEventId : alias(mapped.producerEventId));
    const ownId = givenId ?? this.#keyedId();
    const reason = reasonAgainst(ownId);
    if (reason !== undefined) return this.#reject(reason);
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
    const flagged: FrameRecord = hasSecret ? { ...event, flags: [...event.flags, 'secret_found'] } : event;
    if (this.#source.schemas === undefined && givenId === undefined && this.#options.isFirst) this.#add(flagged);
    else if (this.#source.schemas === undefined) this.#addAny(flagged);
    else this.#takeChecked(flagged, this.#use.check?.(mapped.mapping, record.fields));
  }

  #reject(why: string): void {
    const { code, message: reason } = new TocsinError('ingest.bad_record', { reason: why });
    this.#pending.push({ result: { status: 'rejected', code, reason } });
  }

  /** An event that was held against the schema of its type; `reason` where it does not fit. */
  #takeChecked(event: FrameRecord, reason: string | undefined): void {
    if (reason === undefined) return this.#addAny(event);
    const misfit: FrameRecord = { ...event, flags: [...event.flags, 'schema_invalid'] };
    if (this.#source.schemas !== 'enforce' || this.#use.quarantine === undefined) return this.#addAny(misfit);
    this.#quarantined.push({ event: misfit, reason });
    this.#pending.push({ result: { status: 'quarantined', id: event.id, reason } });
  }

  #addAny(event: FrameRecord): void {
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
    const answer = this.#use.early.claim(event.id, { batch: this.#batch, index }, crc32(event.record));
    if (answer.kind === 'duplicate') this.#pending.push({ id: event.id, joins: answer.entry });
    else this.#add(answer.kind === 'new' ? event : { ...event, flags: [...event.flags, 'id_conflict'] });
  }

  #add(event: FrameRecord): void {
    this.#pending.push({ id: event.id, index: this.#events.length });
    this.#events.push(event);
    if (event.flags.length > 0) this.#use.onFlagged?.(this.#source, event);
  }
}

/** The producer's id of a record; undefined where it gives none. */
function givenIdOf(envelope: Envelope | undefined, recordId: string | undefined): string | undefined {
  return envelope?.id ?? usableId(recordId) ?? envelope?.fallbackId;
}

function reasonAgainst(id: string | undefined): string | undefined {
  return id === undefined ? undefined : badId(id);
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
