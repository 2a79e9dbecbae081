/** `GET /quotas`: what the tenant and each of its sources may send, and what was refused for it. */
import { isOperator } from '../../security/principal.ts';
import type { Route } from '../route.ts';
import { quotaSchema } from '../schemas.ts';

export const listQuotas: Route = {
  method: 'GET',
  path: '/quotas',
  action: 'sources.read',
  summary: 'List quotas, with what was refused',
  answer: { type: 'object', required: ['quotas'], properties: { quotas: { type: 'array', items: quotaSchema } } },
  async handle({ context, principal }) {
    const { registry, flow } = context;
    const { tenant } = principal;
    const tenants = isOperator(principal) ? [...new Set([tenant, ...registry.list('source').map((each) => each.tenant)])].sort() : [tenant];
    const names = (one: string) => registry.list('source', one).filter(({ value }) => value.revokedMs === undefined);
    return {
      quotas: tenants.flatMap((one) => [
        { tenant: one, ...flow.quotas.of('tenant', { tenant: one, source: '' }) },
        ...(one === tenant ? names(one) : []).map(({ value }) => ({
          tenant: one,
          source: value.name,
          ...flow.quotas.of('source', { tenant: one, source: value.name }),
          refused: flow.admission.refusals.of(one).get(value.name) ?? [],
        })),
      ]),
    };
  },
};
