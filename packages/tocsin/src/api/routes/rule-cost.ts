/** `GET /rules/cost`: what the tenant's rules have cost since they were put in force. */
import type { Route } from '../route.ts';

export const ruleCost: Route = {
  method: 'GET',
  path: '/rules/cost',
  action: 'rules.read',
  summary: 'What each rule has cost: candidates, matches, time by sampling',
  answer: {
    type: 'object',
    required: ['ruleSet', 'sinceMs', 'rules'],
    properties: {
      ruleSet: { type: 'string', description: 'Hash of the rule set that was counted' },
      sinceMs: { type: 'number', description: 'Since when, milliseconds since 1970' },
      rules: { type: 'array', items: { type: 'object', additionalProperties: true } },
    },
  },
  handle: ({ context, principal }) => context.detect.cost(principal.tenant),
};
