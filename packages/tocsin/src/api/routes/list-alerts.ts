/** `GET /alerts`: a tenant's alerts, newest event first. */
import type { AlertStatus, SeverityId } from '@tocsin/core';
import type { Route } from '../route.ts';
import { alertSchema, pageQuery } from '../schemas.ts';

export const listAlerts: Route = {
  method: 'GET',
  path: '/alerts',
  action: 'alerts.read',
  summary: 'List alerts, newest event first',
  query: pageQuery({
    status: { type: 'string', enum: ['new', 'acknowledged', 'resolved', 'false_positive'], description: 'Only alerts with this status' },
    rule: { type: 'string', maxLength: 128, description: 'Only alerts of this rule id' },
    severity: { type: 'integer', minimum: 0, maximum: 6, description: 'Least OCSF severity_id' },
  }),
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
