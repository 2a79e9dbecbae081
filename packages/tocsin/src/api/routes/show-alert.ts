/** `GET /alerts/:id`: one alert with what was done to it. */
import { TocsinError } from '@tocsin/core';
import type { Route } from '../route.ts';
import { actSchema, alertSchema } from '../schemas.ts';

export const showAlert: Route = {
  method: 'GET',
  path: '/alerts/:id',
  action: 'alerts.read',
  summary: 'Show one alert and its history',
  answer: {
    type: 'object',
    required: ['alert', 'history'],
    properties: { alert: alertSchema, history: { type: 'array', items: actSchema } },
  },
  async handle({ context, principal, params }) {
    const id = params['id'] ?? '';
    const detail = await context.store.getAlert(principal.tenant, id);
    if (!detail) throw new TocsinError('api.not_found', { what: 'alert', id });
    return detail;
  },
};
