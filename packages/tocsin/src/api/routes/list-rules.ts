/** `GET /rules`: the rules in force for the tenant, and what was refused. */
import type { Route } from '../route.ts';
import { refusedRuleSchema } from '../schemas.ts';

export const listRules: Route = {
  method: 'GET',
  path: '/rules',
  action: 'rules.read',
  summary: 'List the rules in force and those refused',
  answer: {
    type: 'object',
    required: ['ruleSet', 'rules', 'refused'],
    properties: {
      ruleSet: { type: 'string', description: 'Hash of the rule set in force' },
      rules: { type: 'array', items: { type: 'object', additionalProperties: true } },
      refused: { type: 'array', items: refusedRuleSchema },
    },
  },
  handle: ({ context, principal }) => context.detect.rules(principal.tenant),
};
