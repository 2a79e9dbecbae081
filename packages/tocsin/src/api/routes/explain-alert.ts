/** `GET /alerts/:id/explanation`: why the alert's rule matched its first events, as `tocsin rules explain` tells it, by the rules that judged them. */
import { TocsinError } from '@tocsin/core';
import { findRecords } from '../evidence-records.ts';
import type { Route } from '../route.ts';

export const explainAlert: Route = {
  method: 'GET',
  path: '/alerts/:id/explanation',
  action: 'events.read',
  summary: "Explain why an alert's rule matched its events",
  answer: {
    type: 'object',
    required: ['ruleSet', 'explanations'],
    properties: {
      ruleSet: {
        type: 'string',
        enum: ['same', 'other'],
        description: 'Whether by the rule set that judged the events, or by the one in force now because that one is no longer kept',
      },
      explanations: {
        type: 'array',
        description: 'One per event and rule that matches it; events whose record is gone are left out',
        items: { type: 'object', required: ['eventId', 'ruleId', 'matched', 'routing', 'condition'], additionalProperties: true },
      },
    },
  },
  async handle({ context, principal, params }) {
    const id = params['id'] ?? '';
    const detail = await context.store.getAlert(principal.tenant, id);
    if (!detail) throw new TocsinError('api.not_found', { what: 'alert', id });
    const { rule, evidence } = detail.alert;
    const records = await findRecords(context, principal.tenant, evidence);
    const events = records
      .filter(({ from, verified }) => from === 'log' || verified)
      .map(({ evidence: { eventId }, bytes, mapping }) => ({ eventId, record: bytes, mapping }));
    return context.detect.explain(principal.tenant, { ruleSet: rule.ruleSet, ruleId: rule.id, events });
  },
};
