/** `GET /alerts`: a tenant's alerts, newest event first. */
import type { AlertStatus, SeverityId } from '@tocsin/core';
import type { Route } from '../route.ts';
import { alertFilters, alertSchema, pageQuery } from '../schemas.ts';

export const listAlerts: Route = {
  method: 'GET',
  path: '/alerts',
  action: 'alerts.read',
  summary: 'List alerts, newest event first',
  query: pageQuery(alertFilters),
  answer: {
    type: 'object',
    required: ['alerts'],
    properties: {
      alerts: { type: 'array', items: alertSchema },
      next: { type: 'string', description: 'Give as `after` for the next page' },
    },
  },
  handle: ({ context, principal, query }) =>
    context.store.listAlerts({
      tenant: principal.tenant,
      status: query['status'] as AlertStatus | undefined,
      ruleId: query['rule'] as string | undefined,
      severity: query['severity'] as SeverityId | undefined,
      limit: query['limit'] as number,
      after: query['after'] as string | undefined,
    }),
};
