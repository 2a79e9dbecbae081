/**
 * Serves doors on a fastify: asks who is there before anything of a body is read, gives out memory for bodies, keeps the limits, counts,
 * turns errors into the door's own words, and lets a refused sender read its answer. Doors themselves are in `doors/`.
 */
import type { IncomingMessage } from 'node:http';
import { isTocsinError, TocsinError } from '@tocsin/core';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import type { EmitOptions, Intake } from '../intake.ts';
import { ListenerCounts } from '../listeners/listener-counts.ts';
import type { RawRecord, RecordResult, Source } from '../source.ts';
import type { Answer } from './answer.ts';
import { type BudgetShare, type ByteBudget, createByteBudget } from './byte-budget.ts';
import { unsupportedType } from './cut-body.ts';
import { type DoorLimits, defaultDoorLimits } from './door-limits.ts';
import type { BodyOptions, DoorRequest, DoorRoute, Guest, HttpDoor } from './http-door.ts';
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

/** What doors are served with. */
export interface ServeDoorsOptions {
  readonly doors: readonly HttpDoor[];
  /** Who a request comes from, by its credential alone. @throws auth.missing, auth.refused, auth.forbidden */
  readonly authenticate: (evidence: { readonly authorization: string | undefined }) => Promise<DoorPrincipal> | DoorPrincipal;
  readonly intake: Intake;
  /** Asked before a body is read, and told of bodies refused before they were handed in; `intake.emit` asks by itself. */
  readonly admission?: DoorAdmission | undefined;
  readonly limits?: Partial<DoorLimits> | undefined;
  /** Where a door counts; asked once per door. */
  readonly countsOf?: ((door: string) => ListenerCounts) | undefined;
}

/** Rest of a refused body that is still taken off the wire, so that its sender reads the answer instead of a reset. */
const LINGER_BYTES = 1024 * 1024;
const LINGER_MS = 2000;
/** Made bytes are accounted for in steps of this many. */
const CHARGE_BYTES = 64 * 1024;
/** Printable ASCII without spaces, as ids are made of it. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,200}$/;

/** Fastify plugin with every route of the doors; registers in a scope of its own because doors read bodies themselves. */
export async function serveDoors(app: FastifyInstance, options: ServeDoorsOptions): Promise<void> {
  const limits = { ...defaultDoorLimits, ...options.limits };
  const budget = createByteBudget({ maxBytes: limits.maxInFlightBytes, maxBytesPerSource: limits.maxInFlightBytesPerSource });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  for (const door of options.doors) {
    const shared: Shared = { ...options, door, limits, budget, counts: options.countsOf?.(door.name) ?? new ListenerCounts() };
    await app.register(async (scope) => {
      // What fastify itself refuses before the handler: a content type that is none by its grammar.
      scope.setErrorHandler<FastifyError>((error, request, reply) => {
        leaveRest(request.raw);
        const known = error.statusCode === 415 ? unsupportedType(request.headers['content-type']) : error;
        return send(reply, door.answerToError(withCode(known), { path: pathOf(request.url), headers: request.headers }));
      });
      for (const route of door.routes) addDoorRoute(scope, route, shared);
    });
  }
}

interface Shared extends ServeDoorsOptions {
  readonly door: HttpDoor;
  readonly limits: DoorLimits;
  readonly budget: ByteBudget;
  readonly counts: ListenerCounts;
}

function addDoorRoute(app: FastifyInstance, route: DoorRoute, shared: Shared): void {
  app.route({
    method: route.method,
    exposeHeadRoute: false,
    url: route.url,
    schema: { security: [{ bearer: [] }], ...route.schema } as FastifySchema,
    validatorCompiler: () => () => true,
    serializerCompiler: () => String,
    async handler(request, reply) {
      const visit = new Visit(request, shared);
      try {
        return await send(reply, await route.handle(visit));
      } catch (error) {
        if (!isTocsinError(error))
          request.log.error({ err: error }, `a request at the door ${shared.door.name} ended in an error without a code`);
        leaveRest(request.raw);
        const known = withCode(error);
        shared.counts.refuse(known.code);
        visit.refused(known);
        return await send(reply, shared.door.answerToError(known, visit));
      } finally {
        visit.release();
      }
    },
  });
}

/** One request on its way through a door. */
class Visit implements DoorRequest {
  readonly #request: FastifyRequest;
  readonly #shared: Shared;
  #share: BudgetShare | undefined;
  /** Whose request it is, until what it holds is handed in. */
  #unheard: Source | undefined;

  constructor(request: FastifyRequest, shared: Shared) {
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
    const share = (this.#share ??= budget.share(`${source.tenant.length}:${source.tenant}${source.name}`));
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
    counts.records += results.length;
    for (const result of results) {
      if (result.status === 'rejected') counts.reject(result.code);
      else if (result.status === 'stored') counts.stored++;
      else counts.duplicate++;
    }
    return results;
  }
}

function reserve(bytes: number, { share, source, limits }: { share: BudgetShare; source: Source; limits: DoorLimits }): void {
  const full = share.take(bytes);
  if (full === 'source')
    throw new TocsinError('ingest.source_overloaded', { source: source.name, maxBytes: limits.maxInFlightBytesPerSource });
  if (full === 'all')
    throw new TocsinError('ingest.overloaded', { waitingBytes: limits.maxInFlightBytes, maxBytes: limits.maxInFlightBytes });
}

function pathOf(url: string): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}

function withCode(error: unknown): TocsinError {
  return isTocsinError(error) ? error : new TocsinError('ingest.internal', { what: 'The request' }, { cause: error });
}

function idempotencyKeyOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && IDEMPOTENCY_KEY.test(header)) return header;
  throw new TocsinError('ingest.bad_header', {
    header: 'Idempotency-Key',
    reason: 'is not 1 to 200 printable ASCII characters without spaces',
  });
}

function send(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  return reply.code(status).type('application/json; charset=utf-8').headers(headers).send(body);
}

/** Takes a little more of an unread body off the wire, waits for the sender to read the answer, and then cuts the connection: nobody may make Tocsin read for nothing. */
function leaveRest(raw: IncomingMessage): void {
  if (raw.complete || raw.destroyed) return;
  let left = LINGER_BYTES;
  const cut = (): void => void raw.destroy();
  const timer = setTimeout(cut, LINGER_MS);
  raw.once('close', () => clearTimeout(timer));
  raw.once('end', () => clearTimeout(timer));
  raw.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    // Not cut at once: a reset would take the answer with it that the sender has not read yet.
    if (left < 0) raw.pause();
  });
  // A sender that goes away while being refused has nothing left to be told.
  raw.on('error', () => clearTimeout(timer));
  raw.resume();
}
