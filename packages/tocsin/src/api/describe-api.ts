/** The OpenAPI document without an installation: what the reference page is made of. */
import { createHttpDoors } from '@tocsin/ingest';
import fastify from 'fastify';
import { registerApi, type ServerParts } from './server.ts';

/** The document, from the routes themselves. Nothing listens and no handler can run. */
export async function describeApi(): Promise<object> {
  const app = fastify();
  const nothing = new Proxy({}, { get: () => undefined }) as ServerParts['context'];
  const intake = { emit: () => Promise.reject(new Error('A description takes no events')), remember: () => undefined };
  const nobody = (): Promise<never> => Promise.reject(new Error('A description knows nobody'));
  const unbound = (): never => {
    throw new Error('A description has no webhooks');
  };
  await registerApi(app, {
    context: nothing,
    hasApi: true,
    authenticate: nobody,
    doors: {
      doors: createHttpDoors({ webhooks: { webhooks: new Map(), boundSource: unbound, nowMs: () => 0 } }),
      authenticate: nobody,
      intake,
    },
  });
  await app.ready();
  const document = app.swagger();
  await app.close();
  return document;
}
