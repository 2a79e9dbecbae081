/** `GET /audit`: who changed what, oldest first, a page at a time from the newest back. */
import { parsePosition } from '@tocsin/bus';
import { type Position, TocsinError } from '@tocsin/core';
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
    properties: {
      limit: { type: 'integer', minimum: 1, maximum: 10000, default: 100, description: 'Most records in the answer' },
      before: { type: 'string', maxLength: 819, description: '`next` of the page before: the records older than it' },
    },
  },
  answer: {
    type: 'object',
    required: ['records'],
    properties: {
      records: { type: 'array', items: { type: 'object', additionalProperties: true } },
      next: { type: 'string', description: 'Give it as `before` for the page of older records; absent on the last' },
    },
  },
  async handle({ context, principal, query }) {
    const before = query['before'] as Position | undefined;
    // A position of another stream could be asked for its time.
    if (before !== undefined && parsePosition(before).stream !== 'AUDIT')
      throw new TocsinError('bus.bad_position', { position: before.slice(0, 120), reason: 'it is not on the audit trail' });
    return readAudit(context.bus, principal.tenant, { limit: query['limit'] as number, before });
  },
};
