/** `PATCH /sources/:name`: changes what holds for a source, from its next batch on; what is not named stays, null goes back to what holds for all. */
import { TocsinError } from '@tocsin/core';
import { sourceQuotaId } from '../../flow/quota-book.ts';
import type { QuotaRecord, SourceRecord } from '../../registry/registry.ts';
import { requireSilenceTimes } from '../../sources/silence-state.ts';
import type { ApiCall, Route } from '../route.ts';
import { sourceProperties, sourceSchema } from '../schemas.ts';

/** What may be changed; null takes away. */
type SourceChange = { readonly [K in keyof SourceRecord]?: SourceRecord[K] | null } & {
  readonly limits?: Pick<QuotaRecord, 'eventsPerSecond' | 'bytesPerSecond' | 'burstSeconds'> | null;
};

export const patchSource: Route = {
  method: 'PATCH',
  path: '/sources/:name',
  action: 'sources.write',
  summary: 'Change a source: labels, log source, limits, silence and the like; in force with its next batch, on open connections too',
  body: {
    type: 'object',
    additionalProperties: false,
    minProperties: 1,
    required: [],
    properties: {
      ...Object.fromEntries(
        Object.entries(sourceProperties).map(([name, schema]) => [name, name === 'format' || name === 'lane' ? schema : nullable(schema)]),
      ),
      limits: nullable({
        type: 'object',
        additionalProperties: false,
        description: 'As of POST /quotas for this source',
        properties: {
          eventsPerSecond: { type: 'integer', minimum: 0, maximum: 1e15 },
          bytesPerSecond: { type: 'integer', minimum: 0, maximum: 1e15 },
          burstSeconds: { type: 'integer', minimum: 1, maximum: 3600 },
        },
      }),
    },
  },
  answer: { type: 'object', required: ['source'], properties: { source: sourceSchema } },
  async handle(call) {
    const { context, principal, params, body } = call;
    const { registry } = context;
    const { tenant } = principal;
    const name = params['name'] ?? '';
    const before = registry.get(tenant, 'source', name);
    if (before === undefined || before.value.revokedMs !== undefined) throw new TocsinError('api.not_found', { what: 'source', id: name });
    const { limits, ...change } = body as SourceChange;
    const after = changed(before.value, change);
    requireSilenceTimes(after.silence);
    context.sources.book.check(tenant, after);
    await context.privileged(
      principal,
      {
        action: 'sources.write',
        resource: `source/${name}`,
        before: before.value,
        after: { ...after, ...(limits === undefined ? {} : { limits }) },
      },
      async () => {
        if (Object.keys(change).length > 0) await registry.put({ tenant, kind: 'source', id: name }, after, { seen: before });
        if (limits !== undefined) await setLimits(call, name, limits ?? {});
      },
    );
    return { source: { ...after, limits: context.flow.quotas.of('source', { tenant, source: name }) } };
  },
};

function nullable(schema: object): object {
  return { anyOf: [schema, { type: 'null' }] };
}

/** The record with what is given in place of what was; without what is given as null. */
function changed(before: SourceRecord, change: Omit<SourceChange, 'limits'>): SourceRecord {
  const entries = Object.entries({ ...before, ...change }).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(entries) as unknown as SourceRecord;
}

async function setLimits({ context, principal }: ApiCall, name: string, limits: Partial<QuotaRecord>): Promise<void> {
  const { registry, clock } = context;
  const id = sourceQuotaId(name);
  const { tenant } = principal;
  const seen = registry.get(tenant, 'quota', id);
  await registry.put({ tenant, kind: 'quota', id }, { ...limits, setMs: clock.nowMs() }, { seen });
}
