/** `POST /sources`: registers a producer and answers its token, this once. */
import { TocsinError } from '@tocsin/core';
import type { SourceRecord } from '../../registry/registry.ts';
import { requireUsableName } from '../../registry/usable-name.ts';
import { createToken, hashToken } from '../../security/bearer-token.ts';
import { requireSilenceTimes } from '../../sources/silence-state.ts';
import type { Route } from '../route.ts';
import { sourceProperties, sourceSchema } from '../schemas.ts';

type NewSource = Omit<SourceRecord, 'createdMs' | 'revokedMs'>;

export const addSource: Route = {
  method: 'POST',
  path: '/sources',
  action: 'sources.write',
  summary: 'Register a source and get its token, shown only in this answer',
  body: {
    type: 'object',
    additionalProperties: false,
    required: ['name'],
    properties: {
      name: { type: 'string', minLength: 1, maxLength: 128, description: 'Name of the source' },
      ...sourceProperties,
      format: { ...sourceProperties['format'], default: 'auto' },
      lane: { ...sourceProperties['lane'], default: 'live' },
    },
  },
  answer: {
    type: 'object',
    required: ['source', 'token'],
    properties: { source: sourceSchema, token: { type: 'string', description: 'Bearer token; only its hash is kept' } },
  },
  async handle({ context, principal, body }) {
    const { logSource, ...wanted } = body as NewSource;
    const { name } = wanted;
    const { tenant } = principal;
    requireUsableName(name);
    const present = context.registry.get(tenant, 'source', name);
    if (present && present.value.revokedMs === undefined) throw new TocsinError('api.exists', { what: 'source', id: name });
    const createdMs = context.clock.nowMs();
    const isNamed = logSource !== undefined && Object.keys(logSource).length > 0;
    const source: SourceRecord = { ...wanted, ...(isNamed ? { logSource } : {}), createdMs };
    requireSilenceTimes(source.silence);
    context.sources.book.check(tenant, source);
    const token = createToken('source');
    await context.privileged(
      principal,
      { action: 'sources.write', resource: `source/${name}`, before: present?.value, after: source },
      async () => {
        await context.registry.put({ tenant, kind: 'source', id: name }, source, { seen: present });
        await context.registry.put(
          { tenant, kind: 'credential', id: hashToken(token) },
          { actor: `source/${name}`, roles: ['producer'], source: name, label: `${name}.1`, createdMs },
        );
      },
    );
    return { source: { ...source, events: 0, duplicates: 0 }, token };
  },
};
