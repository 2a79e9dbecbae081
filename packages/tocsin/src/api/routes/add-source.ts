/** `POST /sources`: registers a producer and answers its token, this once. */
import { encodeToken, LOG_SOURCE_WORD, type LogSourceName, TocsinError } from '@tocsin/core';
import { decoders, type FormatName } from '@tocsin/ingest';
import type { SourceRecord } from '../../registry/registry.ts';
import { createToken, hashToken } from '../../security/bearer-token.ts';
import type { Route } from '../route.ts';
import { sourceSchema } from '../schemas.ts';

interface NewSource {
  readonly name: string;
  readonly format: FormatName;
  readonly lane: 'live' | 'bulk';
  readonly logSource?: LogSourceName;
}

const WORD = { type: 'string', pattern: LOG_SOURCE_WORD.source, maxLength: 64 } as const;

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
      format: { type: 'string', enum: Object.keys(decoders), default: 'auto', description: 'How its records are read' },
      lane: { type: 'string', enum: ['live', 'bulk'], default: 'live', description: 'live: detected at once; bulk: history and imports' },
      logSource: {
        type: 'object',
        additionalProperties: false,
        description: 'What its events are, in the words of rules; absent parts are told by their mapping',
        properties: { product: WORD, service: WORD, category: WORD },
      },
    },
  },
  answer: {
    type: 'object',
    required: ['source', 'token'],
    properties: { source: sourceSchema, token: { type: 'string', description: 'Bearer token; only its hash is kept' } },
  },
  async handle({ context, principal, body }) {
    const { name, format, lane, logSource } = body as NewSource;
    const { tenant } = principal;
    encodeToken(name);
    const present = context.registry.get(tenant, 'source', name);
    if (present && present.value.revokedMs === undefined) throw new TocsinError('api.exists', { what: 'source', id: name });
    const createdMs = context.clock.nowMs();
    const isNamed = logSource !== undefined && Object.keys(logSource).length > 0;
    const source: SourceRecord = { name, format, lane, ...(isNamed ? { logSource } : {}), createdMs };
    const token = createToken('source');
    await context.privileged(
      principal,
      { action: 'sources.write', resource: `source/${name}`, before: present?.value, after: source },
      async () => {
        await context.registry.put({ tenant, kind: 'source', id: name }, source, { seen: present });
        await context.registry.put(
          { tenant, kind: 'credential', id: hashToken(token) },
          { actor: `source/${name}`, roles: ['producer'], source: name, createdMs },
        );
      },
    );
    return { source: { ...source, events: 0, duplicates: 0 }, token };
  },
};
