/** `POST /quotas`: sets how much a source, or a tenant, may send; in force with the next request. */
import { TocsinError } from '@tocsin/core';
import { sourceQuotaId, TENANT_QUOTA } from '../../flow/quota-book.ts';
import type { QuotaRecord, Registry } from '../../registry/registry.ts';
import type { Principal } from '../../security/principal.ts';
import type { Route } from '../route.ts';
import { quotaSchema } from '../schemas.ts';

interface NewQuota extends Omit<QuotaRecord, 'setMs'> {
  readonly tenant?: string;
  readonly source?: string;
}

const rate = (what: string) => ({
  type: 'integer',
  minimum: 0,
  maximum: 1e15,
  description: `${what}; 0: no limit; left out: as the settings say`,
});

export const setQuota: Route = {
  method: 'POST',
  path: '/quotas',
  action: 'quotas.write',
  summary: 'Set the quota of a source, or of a tenant as a whole; replaces the former one',
  body: {
    type: 'object',
    additionalProperties: false,
    properties: {
      tenant: { type: 'string', minLength: 1, maxLength: 128, description: 'Whose; the own tenant where left out. Others: operators only' },
      source: {
        type: 'string',
        minLength: 1,
        maxLength: 128,
        description: 'One source; left out: all of the tenant together, operators only',
      },
      eventsPerSecond: rate('Events per second'),
      bytesPerSecond: rate('Bytes of records per second'),
      burstSeconds: { type: 'integer', minimum: 1, maximum: 3600, description: 'How many seconds of its rate may come at once' },
      storedBytes: rate('Of a tenant: bytes of events kept, as stored'),
      storedEvents: rate('Of a tenant: events kept'),
      storedDays: {
        type: 'integer',
        minimum: 0,
        maximum: 36500,
        description: 'Of a tenant: days events are kept; 0: as long as all others',
      },
    },
  },
  answer: { type: 'object', required: ['quota'], properties: { quota: quotaSchema } },
  async handle({ context, principal, body }) {
    const { source, tenant = principal.tenant, ...wanted } = body as NewQuota;
    const kept = (['storedBytes', 'storedEvents', 'storedDays'] as const).find((name) => wanted[name] !== undefined);
    if (source !== undefined && kept !== undefined)
      throw new TocsinError('flow.bad_quota', { reason: `${kept} is for a tenant, not for a source` });
    const id = source === undefined ? TENANT_QUOTA : sourceQuotaId(source);
    const { registry, clock, flow } = context;
    const before = registry.get(tenant, 'quota', id);
    const after: QuotaRecord = { ...wanted, setMs: clock.nowMs() };
    const resource = source === undefined ? `quota/tenant/${tenant}` : `quota/source/${source}`;
    await context.privileged(principal, { action: actionFor(principal, tenant, source), resource, before: before?.value, after }, () => {
      // Only who may set it learns what there is.
      requireOwner(registry, tenant, source);
      return registry.put({ tenant, kind: 'quota', id }, after, { seen: before });
    });
    const scope = source === undefined ? 'tenant' : 'source';
    return { quota: { tenant, ...(source === undefined ? {} : { source }), ...flow.quotas.of(scope, { tenant, source: source ?? '' }) } };
  },
};

/** @throws api.not_found where a quota would hold for nobody */
function requireOwner(registry: Registry, tenant: string, source: string | undefined): void {
  if (source !== undefined && registry.get(tenant, 'source', source) === undefined)
    throw new TocsinError('api.not_found', { what: 'source', id: source });
  if (registry.list('credential', tenant).length === 0) throw new TocsinError('api.not_found', { what: 'tenant', id: tenant });
}

/** A tenant cannot widen what was granted to him as a whole. */
function actionFor(principal: Principal, tenant: string, source: string | undefined): 'quotas.write' | 'installation.write' {
  return source === undefined || tenant !== principal.tenant ? 'installation.write' : 'quotas.write';
}
