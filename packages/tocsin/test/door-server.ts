/** A listening server for tests of the command line: the real events door over an intake that remembers ids, other routes as each test gives them. */
import { eventsRoute, type Intake } from '@tocsin/ingest';
import fastify from 'fastify';

/** A listening door. */
export interface DoorServer extends AsyncDisposable {
  readonly url: string;
  /** Records stored, by id. */
  readonly stored: ReadonlyMap<string, string>;
  /** Requests seen: method and path. */
  readonly requests: readonly string[];
}

/** Answer of a route: status and body. */
export type Answer = readonly [status: number, body: unknown];

/** What a test's server answers. */
export interface DoorServerOptions {
  /** By `METHOD /path` below `/api/v1`. */
  readonly routes?: Readonly<Record<string, (request: { body: unknown; query: unknown }) => Answer>> | undefined;
  /** Called before each batch of events; what it throws is the door's trouble. */
  readonly onEmit?: (() => void) | undefined;
}

/** Opens the server on a free port. Records without JSON are rejected; the same id is stored once. */
export async function openDoorServer(options: DoorServerOptions = {}): Promise<DoorServer> {
  const stored = new Map<string, string>();
  const requests: string[] = [];
  const intake = {
    async emit(_source: unknown, records: readonly { bytes: Uint8Array }[], emitOptions: { idempotencyKey?: string | undefined } = {}) {
      options.onEmit?.();
      return records.map((record, index) => {
        const text = Buffer.from(record.bytes).toString();
        if (text.startsWith('bad')) return { status: 'rejected', code: 'ingest.bad_record', reason: 'it is bad' };
        const id = `${emitOptions.idempotencyKey}-${index}`;
        const status = stored.has(id) ? 'duplicate' : 'stored';
        stored.set(id, text);
        return { status, id, at: { position: 'p', index } };
      });
    },
  } as unknown as Intake;
  const app = fastify({ forceCloseConnections: true });
  app.addHook('onRequest', async (request) => {
    requests.push(`${request.method} ${request.url.replace('/api/v1', '')}`);
  });
  await app.register(eventsRoute, {
    authenticate: () => ({ source: { tenant: 'default', name: 'web', format: 'auto', lane: 'live', shard: '' } }),
    intake,
  });
  for (const [route, answer] of Object.entries(options.routes ?? {})) {
    const [method = 'GET', path = ''] = route.split(' ');
    app.route({
      method,
      url: `/api/v1${path}`,
      handler: (request, reply) => {
        const [status, body] = answer({ body: request.body, query: request.query });
        return reply
          .code(status)
          .type(typeof body === 'string' ? 'application/x-ndjson' : 'application/json')
          .send(body);
      },
    });
  }
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { url, stored, requests, [Symbol.asyncDispose]: () => app.close() };
}
