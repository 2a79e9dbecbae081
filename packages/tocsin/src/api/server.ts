/**
 * The HTTP server: TLS or loopback, one error form for every route, authentication and authorisation before any handler,
 * and the OpenAPI document made from the routes themselves.
 */
import type { Server } from 'node:http';
import swagger from '@fastify/swagger';
import { errorTable, isTocsinError, TocsinError } from '@tocsin/core';
import { type ServeDoorsOptions, serveDoors } from '@tocsin/ingest';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import type { Logger } from 'pino';
import type { Authenticate } from '../security/authenticate.ts';
import { mayDo, type Principal } from '../security/principal.ts';
import { KnownPaths } from './known-paths.ts';
import type { Tls } from './listen.ts';
import { openApiInfo } from './open-api.ts';
import type { ApiContext, JsonSchema, Route } from './route.ts';
import { routes } from './routes.ts';

/** How the server is built. */
export interface ServerOptions {
  readonly logger: Logger;
  readonly tls?: Tls | undefined;
}

/** Largest body of an API request that is not ingest: rule files. Bytes. */
const API_BODY_BYTES = 32 * 1024 * 1024;
/** A client must have sent its request within this time, milliseconds: slow ones are closed (slowloris). */
const REQUEST_TIMEOUT_MS = 60_000;
/** How long requests under way may take when the server closes, milliseconds. */
const ANSWER_WITHIN_MS = 5000;

/** A server without routes. The caller registers them, listens and closes. */
export function createServer(options: ServerOptions): FastifyInstance {
  const { tls, logger } = options;
  const shared = {
    // What goes well is not worth a line: requests are counted, and the address is told by whoever started the program.
    loggerInstance: logger.child({}, { level: logger.isLevelEnabled('info') ? 'warn' : logger.level }),
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: API_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Requests under way are answered before the server closes; see `closeServer`.
    forceCloseConnections: 'idle' as const,
    // Fastify's own refusal has neither code nor Retry-After: what still comes in on an open connection is answered as ever, and is its last.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 512 },
    // A body says what it means: no number out of a text, no text out of a list.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false as const, allErrors: false } },
  };
  // The two forms differ in the type of their server only, which nothing here depends on.
  const app = (tls ? fastify({ ...shared, https: { ...tls, minVersion: 'TLSv1.2' } }) : fastify(shared)) as unknown as FastifyInstance;
  let isClosing = false;
  app.addHook('preClose', async () => void (isClosing = true));
  // A connection that was kept open would hold the closing up until it is cut.
  app.addHook('onSend', async (_request, reply) => void (isClosing && reply.header('connection', 'close')));
  app.setErrorHandler(answerError);
  const paths = new KnownPaths();
  app.addHook('onRoute', ({ method, url }) => paths.add(method, url));
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0]?.slice(0, 200) ?? '';
    const allow = paths.methodsOf(path);
    if (allow.length > 0) {
      reply.header('allow', allow.join(', '));
      answerError(new TocsinError('api.bad_method', { method: request.method, path, allow }), request, reply);
      return;
    }
    answerError(new TocsinError('api.not_found', { what: 'route', id: `${request.method} ${request.url.slice(0, 200)}` }), request, reply);
  });
  return app;
}

/** What the server's routes are made of. */
export interface ServerParts {
  readonly context: ApiContext;
  readonly authenticate: Authenticate;
  /** The doors of producers; absent where the process does not take events. */
  readonly doors?: ServeDoorsOptions | undefined;
  /** Whether the process answers questions; the health checks it always does. */
  readonly hasApi: boolean;
}

/** Registers the doors of producers, every API route, the health checks and the OpenAPI document. */
export async function registerApi(app: FastifyInstance, { context, authenticate, doors, hasApi }: ServerParts): Promise<void> {
  await app.register(swagger, { openapi: { openapi: '3.1.0', ...openApiInfo } });
  if (doors) await app.register(serveDoors, doors);
  await app.register(async (scope) => {
    for (const route of hasApi ? routes : []) addRoute(scope, route, { context, authenticate });
    scope.get('/api/v1/health/live', { schema: { summary: 'Whether the process answers' } }, async () => ({ live: true }));
    scope.get(
      '/api/v1/health/ready',
      { schema: { summary: 'Whether events are taken and judged: 200, or 503 while not' } },
      async (_, reply) => {
        const state = context.readiness();
        const strains = context.strains();
        // Strained, it still takes and judges events: to turn senders away would only lose more.
        return reply
          .code(state === 'ready' ? 200 : 503)
          .send({ state: strains.length > 0 ? 'degraded' : state, ...(strains.length > 0 ? { strains } : {}) });
      },
    );
    scope.get('/api/v1/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  });
}

function addRoute(app: FastifyInstance, route: Route, deps: { context: ApiContext; authenticate: Authenticate }): void {
  app.route({
    method: route.method,
    url: `/api/v1${route.path}`,
    schema: {
      summary: route.summary,
      security: [{ bearer: [] }],
      ...(route.query ? { querystring: route.query } : {}),
      ...(route.body ? { body: route.body } : {}),
      ...(route.produces ? { produces: [route.produces] } : {}),
      response: { 200: route.answer },
    },
    // A body is optional where the schema requires no member of it; a query is text until its schema says otherwise.
    preValidation: async (request) => {
      if (route.query) request.query = readQuery(route.query, request.query as Record<string, unknown>);
      if (route.body && request.body === undefined && route.body['required'] === undefined) request.body = {};
    },
    onRequest: async (request) => {
      const principal = await deps.authenticate({ authorization: request.headers.authorization });
      // The door authorises too: passed here for nothing, it puts the refusal on AUDIT.
      if (!mayDo(principal, route.action))
        await deps.context.privileged(principal, { action: route.action, resource: `route ${route.method} ${route.path}` }, nothing);
      principals.set(request, principal);
    },
    // The answer schema describes; it must never strip or fail an answer.
    serializerCompiler: () => (data) => JSON.stringify(data),
    handler: (request, reply) => handle(route, deps.context, { request, reply }),
  });
}

/** Numbers of a query string where its schema wants numbers; whatever else is left for the schema to refuse. */
function readQuery(schema: JsonSchema, query: Record<string, unknown>): Record<string, unknown> {
  const properties = schema['properties'] as Readonly<Record<string, JsonSchema>>;
  const read = Object.entries(query).map(([name, value]) => {
    const wantsNumber = Object.hasOwn(properties, name) && properties[name]?.['type'] === 'integer';
    return [name, wantsNumber && typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value];
  });
  return Object.fromEntries(read) as Record<string, unknown>;
}

/** Closes a server: requests under way are answered, those that take longer than a while are cut off. */
export async function closeServer(app: FastifyInstance): Promise<void> {
  const timer = setTimeout(() => (app.server as Server).closeAllConnections(), ANSWER_WITHIN_MS);
  await app.close().finally(() => clearTimeout(timer));
}

async function nothing(): Promise<void> {
  // There is nothing to do for somebody who may not.
}

/** Who each request under way is from. */
const principals = new WeakMap<FastifyRequest, Principal>();

async function handle(
  route: Route,
  context: ApiContext,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
): Promise<unknown> {
  const principal = principals.get(request);
  if (!principal) throw new TocsinError('auth.missing', {});
  const answer = await route.handle({
    context,
    principal,
    params: request.params as Record<string, string>,
    query: request.query as Record<string, unknown>,
    body: request.body,
    request,
    reply,
  });
  return reply.sent ? reply : answer;
}

/** One form for every error: `{ error: { code, message, retry } }`. What has no code of ours is logged and told in general terms only. */
function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const known = toTocsinError(error);
  const { http, retry } = errorTable[known.code];
  if (http >= 500 && !isTocsinError(error)) request.log.error({ err: error }, 'A request failed for a reason without a code');
  if (http === 429 || http === 503) reply.header('retry-after', '1');
  if (http === 401) reply.header('www-authenticate', 'Bearer');
  reply
    .code(http)
    .type('application/json')
    .send({ error: { code: known.code, message: known.message, retry } });
}

function toTocsinError(error: unknown): TocsinError {
  if (error instanceof TocsinError) return error;
  const { statusCode, message, validation } = error as Partial<FastifyError>;
  if (statusCode === 413) return new TocsinError('api.too_large', { maxBytes: API_BODY_BYTES });
  if (statusCode === 415) return new TocsinError('api.media_type', {});
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new TocsinError('api.bad_request', { reason: `${message ?? 'it is malformed'}${allowedBy(validation)}` });
  return new TocsinError('api.internal', { reason: 'see the log' });
}

/** The values of which one was to be given, as more words; empty where it is about something else. */
function allowedBy(validation: FastifyError['validation']): string {
  const values = validation?.[0]?.params['allowedValues'];
  return Array.isArray(values) ? `: ${values.join(', ')}` : '';
}

/** Where a listening server can be reached. */
export function serverUrl(app: FastifyInstance, secure: boolean): string {
  const address = (app.server as Server).address();
  if (address === null || typeof address === 'string') return String(address);
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `${secure ? 'https' : 'http'}://${host}:${address.port}`;
}
