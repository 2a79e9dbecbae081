/** `POST /rules/quarantine`: puts a rule aside, or releases it. It stays loaded and listed; while aside it judges nothing. */
import { TocsinError } from '@tocsin/core';
import type { Route } from '../route.ts';

interface Wanted {
  readonly rule: string;
  readonly quarantined: boolean;
  readonly reason?: string;
}

/** How long to wait until the change is in force, milliseconds. */
const IN_FORCE_WITHIN_MS = 10_000;

export const quarantineRule: Route = {
  method: 'POST',
  path: '/rules/quarantine',
  action: 'rules.write',
  summary: 'Put a rule aside, or release it',
  body: {
    type: 'object',
    additionalProperties: false,
    required: ['rule', 'quarantined'],
    properties: {
      rule: { type: 'string', minLength: 1, maxLength: 256, description: 'Id of the rule' },
      quarantined: { type: 'boolean', description: 'True puts it aside, false releases it' },
      reason: { type: 'string', maxLength: 1024 },
    },
  },
  answer: {
    type: 'object',
    required: ['rule', 'quarantined', 'inForce'],
    properties: {
      rule: { type: 'string' },
      quarantined: { type: 'boolean' },
      inForce: { type: 'boolean', description: 'Whether events are judged accordingly from now on' },
    },
  },
  async handle({ context, principal, body }) {
    const { rule, quarantined, reason } = body as Wanted;
    const { tenant, actor } = principal;
    const thing = { tenant, kind: 'quarantine', id: rule } as const;
    const seen = context.registry.get(tenant, 'quarantine', rule);
    const isHeld = seen !== undefined && seen.value.liftedMs === undefined;
    const known = (await context.detect.rules(tenant)).rules.some(({ id }) => id === rule);
    if (!known && !isHeld) throw new TocsinError('api.not_found', { what: 'rule', id: rule });
    if (isHeld === quarantined) return { rule, quarantined, inForce: true };
    const atMs = context.clock.nowMs();
    const after = quarantined
      ? { reason: reason ?? `put aside by ${actor}`, sinceMs: atMs }
      : { ...(seen?.value ?? { reason: '', sinceMs: atMs }), liftedMs: atMs };
    const act = {
      action: 'rules.write',
      resource: `rule/${rule}`,
      before: { quarantined: isHeld },
      after: { quarantined, ...after },
    } as const;
    await context.privileged(principal, act, () => context.registry.put(thing, after, { seen }));
    const position = context.registry.get(tenant, 'quarantine', rule)?.position;
    return { rule, quarantined, inForce: position !== undefined && (await context.detect.reached(position, IN_FORCE_WITHIN_MS)) };
  },
};
