/** `GET /audit`: who changed what, oldest first. */
import { readAudit } from '../../security/audit-trail.ts';
import type { Route } from '../route.ts';

export const listAudit: Route = {
  method: 'GET',
  path: '/audit',
  action: 'audit.read',
  summary: 'List the newest audit records, oldest first',
  query: {
    type: 'object',
    additionalProperties: false,
    properties: { limit: { type: 'integer', minimum: 1, maximum: 10000, default: 100, description: 'Most records in the answer' } },
  },
  answer: {
    type: 'object',
    required: ['records'],
    properties: { records: { type: 'array', items: { type: 'object', additionalProperties: true } } },
  },
  handle: async ({ context, principal, query }) => ({ records: await readAudit(context.bus, principal.tenant, query['limit'] as number) }),
};
