/**
 * One request on its way through a door: who it is from, the memory it holds, what it hands in. Made and released by `serve-doors.ts`; doors
 * see it as `DoorRequest`.
 */
import { TocsinError, tenantKey } from '@tocsin/core';
import type { FastifyRequest } from 'fastify';
import type { EmitOptions, Intake } from '../intake.ts';
import type { ListenerCounts } from '../listeners/listener-counts.ts';
import type { RawRecord, RecordResult, Source } from '../source.ts';
import type { BudgetShare, ByteBudget } from './byte-budget.ts';
import type { DoorLimits } from './door-limits.ts';
import type { BodyOptions, DoorRequest, Guest } from './http-door.ts';
import { encodingOf, readBody } from './read-body.ts';

/** Whoever a credential stands for, as far as doors care. */
export interface DoorPrincipal {
  readonly source: Source;
}

/** Whether a source may send more now: the part of admission that doors ask themselves. */
export interface DoorAdmission {
  /** Throws what a request is to be refused with before it is read. */
  precheck(source: Source): void;
  /** Told of a refusal before anything was handed in. */
  refused(source: Source, error: unknown, load: { readonly records: number; readonly bytes: number }): void;
}

/** What all requests of a door share. */
export interface DoorGround {
  /** Who a request comes from, by its credential alone. @throws auth.missing, auth.refused, auth.forbidden */
  readonly authenticate: (evidence: { readonly authorization: string | undefined }) => Promise<DoorPrincipal> | DoorPrincipal;
  readonly intake: Intake;
  /** Asked before a body is read, and told of bodies refused before they were handed in; `intake.emit` asks by itself. */
  readonly admission?: DoorAdmission | undefined;
  /** Told what a producer says it has left out by rules of its own: header `Tocsin-Dropped`. */
  readonly onDroppedBefore?: ((source: Source, records: number) => void) | undefined;
  readonly limits: DoorLimits;
  readonly budget: ByteBudget;
  readonly counts: ListenerCounts;
}

/** Made bytes are accounted for in steps of this many. */
const CHARGE_BYTES = 64 * 1024;
/** Printable ASCII without spaces, as ids are made of it. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,200}$/;
/** One request. */
export class DoorVisit implements DoorRequest {
  readonly #request: FastifyRequest;
  readonly #shared: DoorGround;
  #share: BudgetShare | undefined;
  /** Whose request it is, until what it holds is handed in. */
  #unheard: Source | undefined;

  constructor(request: FastifyRequest, shared: DoorGround) {
    this.#request = request;
    this.#shared = shared;
  }

  get method(): string {
    return this.#request.method;
  }

  get path(): string {
    return pathOf(this.#request.url);
  }

  get headers(): FastifyRequest['headers'] {
    return this.#request.headers;
  }

  get query(): Readonly<Record<string, string>> {
    const plain: Record<string, string> = Object.create(null);
    for (const [name, value] of Object.entries(this.#request.query as Record<string, string | string[]>)) {
      plain[name] = typeof value === 'string' ? value : (value.at(-1) ?? '');
    }
    return plain;
  }

  get params(): Readonly<Record<string, string>> {
    return this.#request.params as Readonly<Record<string, string>>;
  }

  async admit(token: string | undefined): Promise<Guest> {
    const { source } = await this.#shared.authenticate({ authorization: token === undefined ? undefined : `Bearer ${token}` });
    this.#unheard = source;
    this.#shared.admission?.precheck(source);
    return this.admitAs(source);
  }

  admitAs(source: Source): Guest {
    const { budget, limits } = this.#shared;
    const share = (this.#share ??= budget.share(tenantKey(source.tenant, source.name), source.lane));
    return {
      source,
      maxRecords: limits.maxRecords,
      charge: this.#chargeTo(source, share),
      readBody: (options) => this.#readBody(source, share, options),
      emit: (records, options) => this.#emit(source, records, options),
    };
  }

  /** Has a request counted that was refused before it was handed in. */
  refused(error: TocsinError): void {
    if (this.#unheard === undefined) return;
    const bytes = Number(this.#request.headers['content-length'] ?? 0);
    this.#shared.admission?.refused(this.#unheard, error, { records: 0, bytes: Number.isFinite(bytes) ? bytes : 0 });
  }

  /** Gives back what the body held. */
  release(): void {
    this.#share?.release();
  }

  #chargeTo(source: Source, share: BudgetShare): (bytes: number) => void {
    const { limits } = this.#shared;
    let made = 0;
    let reserved = 0;
    return (bytes) => {
      made += bytes;
      if (made > limits.maxPlainBytes)
        throw new TocsinError('ingest.body_too_large', { what: 'bytes with what each record carries', max: limits.maxPlainBytes });
      if (made <= reserved) return;
      const more = Math.max(CHARGE_BYTES, made - reserved);
      reserve(more, { share, source, limits });
      reserved += more;
    };
  }

  async #readBody(source: Source, share: BudgetShare, options: BodyOptions = {}): Promise<Buffer> {
    const { limits, counts } = this.#shared;
    const { headers, raw } = this.#request;
    const { maxBytes = Number.POSITIVE_INFINITY, encoding = encodingOf(headers['content-encoding']) } = options;
    const maxWire = Math.min(limits.maxBodyBytes, maxBytes);
    if (Number(headers['content-length'] ?? 0) > maxWire) throw new TocsinError('ingest.body_too_large', { what: 'bytes', max: maxWire });
    const body = await readBody(raw, {
      encoding,
      maxBytes: maxWire,
      maxPlainBytes: Math.min(limits.maxPlainBytes, maxBytes),
      timeoutMs: limits.bodyTimeoutMs,
      reserve: (bytes) => reserve(bytes, { share, source, limits }),
    });
    counts.bytes += body.length;
    return body;
  }

  async #emit(source: Source, records: readonly RawRecord[], options: EmitOptions = {}): Promise<RecordResult[]> {
    const { counts, intake } = this.#shared;
    this.#unheard = undefined;
    const idempotencyKey = options.idempotencyKey ?? idempotencyKeyOf(this.#request.headers['idempotency-key']);
    const results = await intake.emit(source, records, { ...options, idempotencyKey });
    this.#noteDropped(source);
    counts.records += results.length;
    for (const result of results) {
      if (result.status === 'rejected') counts.reject(result.code);
      else counts[result.status]++;
    }
    return results;
  }

  /** A request that is refused and comes again says it again: it is counted once it is taken. */
  #noteDropped(source: Source): void {
    const said = this.#request.headers['tocsin-dropped'];
    if (typeof said === 'string' && /^\d{1,9}$/.test(said)) this.#shared.onDroppedBefore?.(source, Number(said));
  }
}

function reserve(bytes: number, { share, source, limits }: { share: BudgetShare; source: Source; limits: DoorLimits }): void {
  const full = share.take(bytes);
  if (full === 'source')
    throw new TocsinError('ingest.source_overloaded', { source: source.name, maxBytes: limits.maxInFlightBytesPerSource });
  if (full === 'all')
    throw new TocsinError('ingest.overloaded', { waitingBytes: limits.maxInFlightBytes, maxBytes: limits.maxInFlightBytes });
}

/** The path of an address, without its query. */
export function pathOf(url: string): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}

function idempotencyKeyOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && IDEMPOTENCY_KEY.test(header)) return header;
  throw new TocsinError('ingest.bad_header', {
    header: 'Idempotency-Key',
    reason: 'is not 1 to 200 printable ASCII characters without spaces',
  });
}
