/** `POST /rules/fields`: which of these fields, by the names rules use, events that came in have, by mapping. */
import type { Route } from '../route.ts';

export const fieldsSeen: Route = {
  method: 'POST',
  path: '/rules/fields',
  action: 'rules.read',
  summary: 'Say which fields events that came in have, by mapping',
  body: {
    type: 'object',
    additionalProperties: false,
    required: ['fields'],
    properties: { fields: { type: 'array', maxItems: 20_000, items: { type: 'string', maxLength: 512 } } },
  },
  answer: {
    type: 'object',
    required: ['seen'],
    properties: {
      seen: {
        type: 'object',
        description: 'Mapping to the fields that a sample of its events has',
        additionalProperties: { type: 'array', items: { type: 'string' } },
      },
    },
  },
  async handle({ context, principal, body }) {
    return { seen: await context.detect.fieldsSeen(principal.tenant, (body as { fields: readonly string[] }).fields) };
  },
};
