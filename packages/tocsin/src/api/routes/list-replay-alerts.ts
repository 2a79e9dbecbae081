/** `GET /replays/:id/alerts` and `GET /replays/:id/alerts/:alert`: what a replay has found. */
import { type AlertStatus, type SeverityId, TocsinError } from '@tocsin/core';
import { getReplayedAlert, listReplayedAlerts } from '../../replay/replayed-alerts.ts';
import { describeEvidence, findRecords } from '../evidence-records.ts';
import { tenantOf } from '../replay-choice.ts';
import type { Route } from '../route.ts';
import { alertFilters, alertSchema, pageQuery, tenantQuery } from '../schemas.ts';

const ALERT_ID = /^[0-9a-f]{32}$/;

/** A page of them. */
export const listReplayAlerts: Route = {
  method: 'GET',
  path: '/replays/:id/alerts',
  action: 'alerts.read',
  summary: 'List the alerts of a replay, newest event first',
  query: tenantQuery(pageQuery(alertFilters)['properties'] as Parameters<typeof tenantQuery>[0]),
  answer: {
    type: 'object',
    required: ['alerts'],
    properties: {
      alerts: { type: 'array', items: alertSchema },
      next: { type: 'string', description: 'Give as `after` for the next page' },
    },
  },
  async handle({ context, principal, params, query }) {
    const tenant = tenantOf(principal, query['tenant']);
    const { order } = context.replays.get(tenant, params['id'] ?? '');
    return await listReplayedAlerts(context.bus, order.id, {
      tenant,
      status: query['status'] as AlertStatus | undefined,
      ruleId: query['rule'] as string | undefined,
      severity: query['severity'] as SeverityId | undefined,
      limit: query['limit'] as number,
      after: query['after'] as string | undefined,
    });
  },
};

/** One of them. */
export const showReplayAlert: Route = {
  method: 'GET',
  path: '/replays/:id/alerts/:alert',
  action: 'alerts.read',
  summary: 'Show one alert of a replay with the records behind it',
  query: tenantQuery({}),
  answer: {
    type: 'object',
    required: ['alert', 'evidence'],
    properties: { alert: alertSchema, evidence: { type: 'array', items: { type: 'object', additionalProperties: true } } },
  },
  async handle({ context, principal, params, query }) {
    const tenant = tenantOf(principal, query['tenant']);
    const { order } = context.replays.get(tenant, params['id'] ?? '');
    const id = params['alert'] ?? '';
    const alert = ALERT_ID.test(id) ? await getReplayedAlert(context.bus, order.id, { tenant, id }) : undefined;
    if (alert === undefined) throw new TocsinError('api.not_found', { what: 'alert', id });
    return { alert, evidence: (await findRecords(context, tenant, alert.evidence)).map(describeEvidence) };
  },
};
