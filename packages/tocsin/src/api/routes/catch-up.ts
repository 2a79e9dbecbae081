/** `POST /catch-up` and `GET /catch-up`: judging again what rules have missed, and how far that has come. */

import type { CatchUpJob } from '../../catchup/catch-up-job.ts';
import { type CatchUpPlan, planCatchUp } from '../../catchup/plan-catch-up.ts';
import type { ApiCall, JsonSchema, Route } from '../route.ts';
import { ledgerReached } from './coverage.ts';

interface Wanted {
  readonly rules: readonly string[];
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly otherVersions: boolean;
  readonly dryRun: boolean;
}

const jobSchema: JsonSchema = {
  type: 'object',
  required: ['id', 'actor', 'rules', 'targets', 'state', 'events', 'judged', 'gone', 'share', 'alerts', 'createdMs', 'updatedMs'],
  properties: {
    id: { type: 'string' },
    actor: { type: 'string', description: 'Who asked for it' },
    rules: { type: 'array', items: { type: 'string' }, description: 'Rules asked for' },
    targets: { type: 'array', items: { type: 'string' }, description: 'Those and the correlations above them' },
    state: { type: 'string', enum: ['waiting', 'running', 'folded', 'done', 'failed'] },
    events: { type: 'integer', description: 'Events missed when it was asked for' },
    judged: { type: 'integer', description: 'Events judged so far, those of before included that windows reach back to' },
    gone: { type: 'integer', description: 'Events to be judged that are no longer kept' },
    share: { type: 'number', description: 'How far it has come, 0 to 1' },
    alerts: {
      type: 'object',
      required: ['raised', 'changed', 'confirmed', 'superseded'],
      properties: {
        raised: { type: 'integer', description: 'New alerts' },
        changed: { type: 'integer', description: 'Alerts with another count or time than before' },
        confirmed: { type: 'integer', description: 'Alerts that were right' },
        superseded: { type: 'integer', description: 'Alerts whose events another alert has by now' },
      },
    },
    reason: { type: 'string', description: 'Why it failed' },
    createdMs: { type: 'integer' },
    updatedMs: { type: 'integer' },
  },
};

/** Begins a catch-up, or says what it would be about. */
export const beginCatchUp: Route = {
  method: 'POST',
  path: '/catch-up',
  action: 'rules.write',
  summary: 'Judge again what rules have missed',
  body: {
    type: 'object',
    additionalProperties: false,
    required: ['rules'],
    properties: {
      rules: {
        type: 'array',
        minItems: 1,
        maxItems: 100,
        items: { type: 'string', minLength: 1, maxLength: 256 },
        description: 'Ids of rules',
      },
      fromMs: { type: 'integer', description: 'Least event time, milliseconds since 1970' },
      toMs: { type: 'integer', description: 'Event time before which events are judged, milliseconds since 1970' },
      otherVersions: { type: 'boolean', default: false, description: 'Judge again also what other versions of the rules have judged' },
      dryRun: { type: 'boolean', default: false, description: 'Only say what was missed' },
    },
  },
  answer: {
    type: 'object',
    required: ['missed', 'events'],
    properties: {
      missed: {
        type: 'array',
        items: {
          type: 'object',
          required: ['rule', 'source', 'why', 'fromMs', 'toMs', 'events'],
          properties: {
            rule: { type: 'string' },
            source: { type: 'string' },
            why: { type: 'string' },
            fromMs: { type: 'integer' },
            toMs: { type: 'integer' },
            events: { type: 'integer' },
          },
        },
      },
      events: { type: 'integer', description: 'Events missed by at least one of the rules' },
      catchUp: { ...jobSchema, description: 'The catch-up; absent where nothing was missed, and with `dryRun`' },
    },
  },
  async handle(call) {
    const { context, principal, body } = call;
    const { dryRun, ...wanted } = body as Wanted;
    await ledgerReached(context);
    const plan = await planCatchUp({ tenant: principal.tenant, ...wanted }, context);
    const told = { missed: plan.missed.stretches, events: plan.missed.events };
    if (dryRun || plan.start === undefined) return told;
    return { ...told, catchUp: shown(await begin(call, plan)) };
  },
};

/** Lists the tenant's catch-ups. */
export const listCatchUps: Route = {
  method: 'GET',
  path: '/catch-up',
  action: 'rules.read',
  summary: 'List catch-ups',
  answer: { type: 'object', required: ['catchUps'], properties: { catchUps: { type: 'array', items: jobSchema } } },
  async handle({ context, principal }) {
    return { catchUps: (await context.catchUps.list(principal.tenant)).map(shown) };
  },
};

function begin({ context, principal, body }: ApiCall, { scope, missed, start }: CatchUpPlan): Promise<CatchUpJob> {
  const { dryRun: _, ...wanted } = body as Wanted;
  const { tenant, actor } = principal;
  const { ruleSet, order, targets } = scope;
  const act = {
    action: 'rules.write',
    resource: `catch-up/${wanted.rules.join(',').slice(0, 256)}`,
    after: { ...wanted, events: missed.events },
  } as const;
  const place = start ?? { startMs: 0, marks: [] };
  return context.privileged(principal, act, () =>
    context.catchUps.add({ tenant, actor, ...wanted, targets, ruleSet, order, ...place, events: missed.events }),
  );
}

function shown({
  targets,
  id,
  actor,
  rules,
  state,
  events,
  judged,
  gone,
  share,
  alerts,
  reason,
  createdMs,
  updatedMs,
}: CatchUpJob): object {
  const said = reason === undefined ? {} : { reason };
  return {
    id,
    actor,
    rules,
    targets: targets.map((rule) => rule.id),
    state,
    events,
    judged,
    gone,
    share,
    alerts,
    ...said,
    createdMs,
    updatedMs,
  };
}
