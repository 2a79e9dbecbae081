/** `POST /sources`: registers a producer and answers its token, this once. */
import { encodeToken, TocsinError } from '@tocsin/core';
import type { SourceRecord } from '../../registry/registry.ts';
import { createToken, hashToken } from '../../security/bearer-token.ts';
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
    encodeToken(name);
    refuseUnusable(name);
    const present = context.registry.get(tenant, 'source', name);
    if (present && present.value.revokedMs === undefined) throw new TocsinError('api.exists', { what: 'source', id: name });
    const createdMs = context.clock.nowMs();
    const isNamed = logSource !== undefined && Object.keys(logSource).length > 0;
    const source: SourceRecord = { ...wanted, ...(isNamed ? { logSource } : {}), createdMs };
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

/** Control characters, marks of direction and of joining, ends of lines and paragraphs. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** A name must stand in a path and in a line of text: what it is registered as is what people type to revoke it. */
function refuseUnusable(name: string): void {
  const reason =
    name === '.' || name === '..'
      ? 'it stands for a folder in paths'
      : name.trim() !== name
        ? 'it begins or ends with white space'
        : INVISIBLE.test(name)
          ? 'it holds control characters, or others that are not seen'
          : undefined;
  if (reason !== undefined) throw new TocsinError('bus.bad_name', { name: JSON.stringify(name), reason });
}
