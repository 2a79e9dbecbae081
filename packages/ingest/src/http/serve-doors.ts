/**
 * Serves doors on a fastify: asks who is there before anything of a body is read, gives out memory for bodies, keeps the limits, counts,
 * turns errors into the door's own words, and lets a refused sender read its answer. Doors themselves are in `doors/`.
 */
import { isTocsinError, TocsinError } from '@tocsin/core';
import type { FastifyError, FastifyInstance, FastifyReply, FastifySchema } from 'fastify';
import { ListenerCounts } from '../listeners/listener-counts.ts';
import type { Answer } from './answer.ts';
import { createByteBudget } from './byte-budget.ts';
import { unsupportedType } from './cut-body.ts';
import { type DoorLimits, defaultDoorLimits } from './door-limits.ts';
import { type DoorGround, DoorVisit, pathOf } from './door-visit.ts';
import type { DoorRoute, HttpDoor } from './http-door.ts';
import { leaveRest } from './leave-rest.ts';

/** What doors are served with. */
export interface ServeDoorsOptions extends Pick<DoorGround, 'authenticate' | 'intake' | 'admission' | 'onDroppedBefore'> {
  readonly doors: readonly HttpDoor[];
  readonly limits?: Partial<DoorLimits> | undefined;
  /** Where a door counts; asked once per door. */
  readonly countsOf?: ((door: string) => ListenerCounts) | undefined;
}

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

interface Shared extends DoorGround {
  readonly door: HttpDoor;
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
      const visit = new DoorVisit(request, shared);
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

function withCode(error: unknown): TocsinError {
  return isTocsinError(error) ? error : new TocsinError('ingest.internal', { what: 'The request' }, { cause: error });
}

function send(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  return reply.code(status).type('application/json; charset=utf-8').headers(headers).send(body);
}
