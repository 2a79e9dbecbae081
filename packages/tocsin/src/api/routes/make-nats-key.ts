/** `POST /sources/:name/nats-key`: lets a source in over the bus, under a key that may publish its own subject and nothing else. */
import { createUserKey, producerInbox } from '@tocsin/bus/nats';
import { TocsinError } from '@tocsin/core';
import { inSubject } from '../../subjects.ts';
import type { Route } from '../route.ts';

const PUBLIC_KEY = /^U[A-Z2-7]{55}$/;

export const makeNatsKey: Route = {
  method: 'POST',
  path: '/sources/:name/nats-key',
  action: 'sources.write',
  summary: 'Let a source publish over NATS, and get the seed of its key, shown only in this answer',
  body: {
    type: 'object',
    additionalProperties: false,
    properties: {
      publicKey: {
        type: 'string',
        maxLength: 64,
        description: 'Public key (U…) of a pair the producer has made itself; without it one is made',
      },
    },
  },
  answer: {
    type: 'object',
    required: ['source', 'subject', 'url', 'inboxPrefix', 'publicKey'],
    properties: {
      source: { type: 'string' },
      subject: { type: 'string', description: 'The only subject the key may publish to' },
      url: { type: 'string', description: 'Where to connect' },
      inboxPrefix: { type: 'string', description: 'Inbox prefix to connect with, to hear acknowledgements' },
      publicKey: { type: 'string' },
      seed: { type: 'string', description: 'The secret half (SU…), where it was made here; it is kept nowhere' },
    },
  },
  async handle({ context, principal, params, body }) {
    const { registry, producers } = context;
    const { tenant } = principal;
    const name = params['name'] ?? '';
    const source = registry.get(tenant, 'source', name);
    if (!source || source.value.revokedMs !== undefined) throw new TocsinError('api.not_found', { what: 'source', id: name });
    const subject = inSubject(tenant, name);
    if (producers === undefined) throw new TocsinError('door.bus_of_others', { subject });
    const { publicKey, seed } = keyOf((body as { publicKey?: string }).publicKey);
    const id = `nkey-${publicKey}`;
    if (registry.list('credential').some((known) => known.id === id))
      throw new TocsinError('api.exists', { what: 'NATS key', id: publicKey });
    const credential = {
      actor: `source/${name}`,
      roles: ['producer'],
      source: name,
      nkey: publicKey,
      createdMs: context.clock.nowMs(),
    } as const;
    await context.privileged(principal, { action: 'sources.write', resource: `source/${name}`, after: { nkey: publicKey } }, async () => {
      await registry.put({ tenant, kind: 'credential', id }, credential, { seen: undefined });
      await producers.sync();
    });
    return {
      source: name,
      subject,
      url: producers.url(),
      inboxPrefix: producerInbox(publicKey),
      publicKey,
      ...(seed === undefined ? {} : { seed }),
    };
  },
};

/** The key that was given, or a new one with its seed. @throws door.bad_key */
function keyOf(given: string | undefined): { readonly publicKey: string; readonly seed?: string } {
  if (given === undefined) {
    const made = createUserKey();
    return { publicKey: made.public, seed: made.seed };
  }
  if (!PUBLIC_KEY.test(given)) throw new TocsinError('door.bad_key', { given: JSON.stringify(given) });
  return { publicKey: given };
}
