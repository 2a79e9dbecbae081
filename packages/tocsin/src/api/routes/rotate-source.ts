/** `POST /sources/:name/rotate`: a new token; the former one is accepted for a while, so that an agent can be changed without a gap. */
import { TocsinError } from '@tocsin/core';
import type { CredentialRecord, Registered } from '../../registry/registry.ts';
import { createToken, hashToken } from '../../security/bearer-token.ts';
import { type ShownCredential, shownCredentials } from '../../sources/source-desk.ts';
import type { ApiCall, Route } from '../route.ts';
import { credentialSchema } from '../schemas.ts';

const MAX_GRACE_S = 2_592_000;

export const rotateSource: Route = {
  method: 'POST',
  path: '/sources/:name/rotate',
  action: 'sources.write',
  summary: 'Give a source a new token, shown only in this answer; the former is accepted until its grace has passed',
  body: {
    type: 'object',
    additionalProperties: false,
    properties: {
      graceSeconds: {
        type: 'integer',
        minimum: 0,
        maximum: MAX_GRACE_S,
        description: 'How long the former token is accepted; 0: not at all; left out: as the settings say',
      },
    },
  },
  answer: {
    type: 'object',
    required: ['name', 'token', 'credentials'],
    properties: {
      name: { type: 'string' },
      token: { type: 'string', description: 'Bearer token; only its hash is kept' },
      credentials: { type: 'array', items: credentialSchema },
    },
  },
  async handle(call) {
    const { context, principal, params, body } = call;
    const { registry, clock, sources } = context;
    const { tenant } = principal;
    const name = params['name'] ?? '';
    const source = registry.get(tenant, 'source', name);
    if (source === undefined || source.value.revokedMs !== undefined) throw new TocsinError('api.not_found', { what: 'source', id: name });
    const given = (body as { graceSeconds?: number } | undefined)?.graceSeconds;
    const nowMs = clock.nowMs();
    const endsMs = nowMs + (given === undefined ? sources.rotationGraceMs : given * 1000);
    const token = createToken('source');
    // Keys for NATS are the producer's own pairs: a further one is made beside them, and they end with the source.
    const former = credentialsOf(call, name).filter(({ value }) => value.nkey === undefined);
    const act = {
      action: 'sources.write',
      resource: `source/${name}`,
      before: shown(former, nowMs),
      after: { rotated: true, endsMs },
    } as const;
    await context.privileged(principal, act, async () => {
      // The new one first: should the process die in between, both work.
      const label = `${name}.${former.length + 1}`;
      const credential = { actor: `source/${name}`, roles: ['producer'] as const, source: name, label, createdMs: nowMs };
      await registry.put({ tenant, kind: 'credential', id: hashToken(token) }, credential);
      for (const one of former) {
        const { revokedMs, expiresMs = Number.POSITIVE_INFINITY } = one.value;
        if (revokedMs !== undefined || expiresMs <= endsMs) continue;
        await registry.put({ tenant, kind: 'credential', id: one.id }, { ...one.value, expiresMs: endsMs }, { seen: one });
      }
    });
    return { name, token, credentials: shown(credentialsOf(call, name), nowMs) };
  },
};

function credentialsOf({ context, principal }: ApiCall, name: string): Registered<CredentialRecord>[] {
  return context.registry.list('credential', principal.tenant).filter(({ value }) => value.source === name);
}

function shown(credentials: readonly Registered<CredentialRecord>[], nowMs: number): ShownCredential[] {
  return shownCredentials(credentials, undefined, nowMs);
}
