/** `GET /rules/coverage`: which of the tenant's rules could fire on the sources whose events have come in, with their ATT&CK techniques. */
import type { Route } from '../route.ts';

export const ruleCoverage: Route = {
  method: 'GET',
  path: '/rules/coverage',
  action: 'rules.read',
  summary: 'Which rules could fire on the sources present, with their techniques',
  answer: {
    type: 'object',
    required: ['present', 'rules'],
    properties: {
      present: { type: 'array', items: { type: 'string' }, description: 'Mappings whose events have come in' },
      rules: { type: 'array', items: { type: 'object', additionalProperties: true } },
    },
  },
  handle: ({ context, principal }) => context.detect.coverage(principal.tenant),
};
