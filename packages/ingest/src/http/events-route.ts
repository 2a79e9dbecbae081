/**
 * `POST /api/v1/events`: the HTTP door for events. Who is there is asked before anything of the body is read; the answer 202
 * means fsynced. Reading the body is in `read-body.ts`, cutting it in `cut-body.ts`, answers in `problem.ts`.
 */
import type { IncomingMessage } from 'node:http';
import { isTocsinError, TocsinError } from '@tocsin/core';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Admission } from '../admission/admission.ts';
import type { Intake } from '../intake.ts';
import type { RawRecord, Source } from '../source.ts';
import { type BudgetShare, createByteBudget } from './byte-budget.ts';
import { cutBody, kindOf, unsupportedType } from './cut-body.ts';
import { eventsSchema } from './events-schema.ts';
import { type Answer, answerToError, answerToResults } from './problem.ts';
import { encodingOf, readBody } from './read-body.ts';

/** Whoever a credential stands for, as far as this door cares. */
export interface EventsPrincipal {
  readonly source: Source;
}

/** Bounds of the door; each has a default. */
export interface EventsRouteLimits {
  /** Most bytes of a body on the wire. Default 16 MiB. */
  readonly maxBodyBytes: number;
  /** Most bytes of a body after decompression. Default 64 MiB. */
  readonly maxPlainBytes: number;
  /** Most records in a body. Default 100,000. */
  readonly maxRecords: number;
  /** Longest time for a body to arrive, milliseconds. Default 30 s. */
  readonly bodyTimeoutMs: number;
  /** Most bytes of bodies in flight, of all requests and of one source. Default 256 and 96 MiB. */
  readonly maxInFlightBytes: number;
  readonly maxInFlightBytesPerSource: number;
}

/** What the door is made of. */
export interface EventsRouteOptions {
  /** Who a request comes from, by its credential alone. @throws auth.missing, auth.refused, auth.forbidden */
  readonly authenticate: (evidence: { readonly authorization: string | undefined }) => Promise<EventsPrincipal> | EventsPrincipal;
  readonly intake: Intake;
  /** Asked before a body is read, and told of bodies refused before they were handed in. */
  readonly admission?: Pick<Admission, 'precheck' | 'refused'> | undefined;
  readonly limits?: Partial<EventsRouteLimits> | undefined;
}

const MIB = 1024 * 1024;

/** The limits where nothing else is configured. */
export const defaultEventsRouteLimits: EventsRouteLimits = {
  maxBodyBytes: 16 * MIB,
  maxPlainBytes: 64 * MIB,
  maxRecords: 100_000,
  bodyTimeoutMs: 30_000,
  maxInFlightBytes: 256 * MIB,
  maxInFlightBytesPerSource: 96 * MIB,
};

/** Rest of a refused body that is still taken off the wire, so that its sender reads the answer instead of a reset. */
const LINGER_BYTES = MIB;
const LINGER_MS = 2000;
/** Printable ASCII without spaces, as ids are made of it. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,200}$/;

/** Fastify plugin with this one route; registers in a scope of its own because it reads bodies itself. */
export async function eventsRoute(app: FastifyInstance, options: EventsRouteOptions): Promise<void> {
  const limits = { ...defaultEventsRouteLimits, ...options.limits };
  const budget = createByteBudget({ maxBytes: limits.maxInFlightBytes, maxBytesPerSource: limits.maxInFlightBytesPerSource });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  // What fastify itself refuses before the handler: a content type that is none by its grammar.
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    leaveRest(request.raw);
    return send(reply, answerToError(error.statusCode === 415 ? unsupportedType(request.headers['content-type']) : error));
  });
  const described = { schema: eventsSchema, validatorCompiler: () => () => true, serializerCompiler: () => String };
  app.post('/api/v1/events', described, async (request, reply) => {
    let answer: Answer;
    try {
      const { source } = await options.authenticate({ authorization: request.headers.authorization });
      const share = budget.share(`${source.tenant.length}:${source.tenant}${source.name}`, source.lane);
      answer = await takeIn(request, { ...options, limits, source, share }).finally(() => share.release());
    } catch (error) {
      if (!isTocsinError(error)) request.log.error({ err: error }, 'a request for events ended in an error without a code');
      leaveRest(request.raw);
      answer = answerToError(error);
    }
    return send(reply, answer);
  });
}

interface Visit extends EventsRouteOptions {
  readonly limits: EventsRouteLimits;
  readonly source: Source;
  readonly share: BudgetShare;
}

async function takeIn(request: FastifyRequest, visit: Visit): Promise<Answer> {
  const idempotencyKey = idempotencyKeyOf(request.headers['idempotency-key']);
  const records = await recordsOf(request, visit).catch((error: unknown) => {
    visit.admission?.refused(visit.source, error, { records: 0, bytes: Number(request.headers['content-length'] ?? 0) });
    throw error;
  });
  return answerToResults(await visit.intake.emit(visit.source, records, { idempotencyKey }));
}

/** The body of a request in records. */
async function recordsOf(request: FastifyRequest, visit: Visit): Promise<RawRecord[]> {
  const { limits, source, share } = visit;
  const kind = kindOf(request.headers['content-type']);
  const encoding = encodingOf(request.headers['content-encoding']);
  const reserve = (bytes: number): void => {
    const full = share.take(bytes);
    if (full === 'source')
      throw new TocsinError('ingest.source_overloaded', { source: source.name, maxBytes: limits.maxInFlightBytesPerSource });
    if (full === 'all')
      throw new TocsinError('ingest.overloaded', { waitingBytes: limits.maxInFlightBytes, maxBytes: limits.maxInFlightBytes });
  };
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limits.maxBodyBytes) throw new TocsinError('ingest.body_too_large', { what: 'bytes', max: limits.maxBodyBytes });
  visit.admission?.precheck(source);
  const body = await readBody(request.raw, {
    encoding,
    maxBytes: limits.maxBodyBytes,
    maxPlainBytes: limits.maxPlainBytes,
    timeoutMs: limits.bodyTimeoutMs,
    reserve,
  });
  return cutBody(kind, body, limits);
}

function idempotencyKeyOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && IDEMPOTENCY_KEY.test(header)) return header;
  throw new TocsinError('ingest.bad_header', {
    header: 'Idempotency-Key',
    reason: 'is not 1 to 200 printable ASCII characters without spaces',
  });
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  return reply.code(answer.status).headers(answer.headers).type('application/json; charset=utf-8').send(answer.body);
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
