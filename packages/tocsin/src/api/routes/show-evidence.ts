/** `GET /alerts/:id/evidence`: the original bytes of an alert's first events, out of the log while it keeps them, else the excerpt. */
import { TocsinError } from '@tocsin/core';
import { describeEvidence, findRecords } from '../evidence-records.ts';
import type { Route } from '../route.ts';

export const showEvidence: Route = {
  method: 'GET',
  path: '/alerts/:id/evidence',
  action: 'events.read',
  summary: 'Show the original events behind an alert',
  answer: {
    type: 'object',
    required: ['evidence'],
    properties: {
      evidence: {
        type: 'array',
        items: {
          type: 'object',
          required: ['source', 'eventId', 'time', 'sha256', 'from', 'record', 'verified'],
          properties: {
            source: { type: 'string' },
            eventId: { type: 'string' },
            time: { type: 'string', format: 'date-time' },
            sha256: { type: 'string', description: 'SHA-256 of the original bytes, as noted when the rule matched' },
            from: { type: 'string', enum: ['log', 'excerpt', 'gone'], description: 'Where the record was read' },
            record: { type: 'string', description: 'The record, as UTF-8 text' },
            verified: { type: 'boolean', description: 'Whether the bytes read have that hash' },
          },
        },
      },
    },
  },
  async handle({ context, principal, params }) {
    const id = params['id'] ?? '';
    const detail = await context.store.getAlert(principal.tenant, id);
    if (!detail) throw new TocsinError('api.not_found', { what: 'alert', id });
    const records = await findRecords(context, principal.tenant, detail.alert.evidence);
    return { evidence: records.map(describeEvidence) };
  },
};
