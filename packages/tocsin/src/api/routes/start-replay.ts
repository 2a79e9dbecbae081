/** `POST /replays`: plays part of the log again, into a namespace of its own. */
import { hashParts, TocsinError } from '@tocsin/core';
import { describeReplay, replaySchema } from '../replay-answer.ts';
import { type ReplayChoice, readReplayChoice, replayChoice } from '../replay-choice.ts';
import type { Route } from '../route.ts';
import { refusedRuleSchema, ruleFilesSchema } from '../schemas.ts';

interface NewReplay extends ReplayChoice {
  readonly speed?: number;
  readonly files?: readonly { readonly path: string; readonly text: string }[];
}

/** Digits of a replay's id. */
const ID_DIGITS = 10;

export const startReplay: Route = {
  method: 'POST',
  path: '/replays',
  action: 'replays.write',
  summary: 'Play part of the log again, by the rules in force or by others',
  body: {
    type: 'object',
    additionalProperties: false,
    properties: {
      ...replayChoice,
      speed: {
        type: 'number',
        minimum: 0,
        maximum: 1_000_000,
        default: 0,
        description: 'Times as fast as received; 0: as fast as it goes',
      },
      files: { ...ruleFilesSchema, description: 'Rules to judge by; those in force where left out' },
    },
  },
  answer: {
    type: 'object',
    required: ['replay', 'refused'],
    properties: {
      replay: replaySchema,
      refused: { type: 'array', items: refusedRuleSchema, description: 'Rules given that are left out' },
    },
  },
  async handle({ context, principal, body }) {
    const { speed = 0, files = [], ...choice } = body as NewReplay;
    const { replays, detect, nextId } = context;
    const tenant = choice.tenant ?? principal.tenant;
    const action = tenant === principal.tenant ? 'replays.write' : 'installation.write';
    const id = hashParts([nextId(), tenant], ID_DIGITS);
    const after = { ...choice, tenant, speed, rules: files.map(({ path, text }) => ({ path, sha: hashParts([text]) })) };
    return await context.privileged(principal, { action, resource: `replay/${id}`, after }, async () => {
      if (speed > 0 && speed < 0.01) throw new TocsinError('replay.bad_range', { reason: 'its speed is less than 0.01' });
      const spec = {
        ...(await readReplayChoice(context, tenant, choice)),
        speed,
        rules: files.length > 0 ? ('given' as const) : ('live' as const),
      };
      const { accepted, refused } = files.length > 0 ? await detect.check(files, { test: false }) : { accepted: [], refused: [] };
      if (files.length > 0 && accepted.length === 0)
        throw new TocsinError('replay.no_rules', { refused: refused.length, reason: refused[0]?.reason ?? 'there is none in them' });
      await replays.checkRoom(tenant);
      return { replay: describeReplay(await replays.order({ id, tenant, spec, actor: principal.actor }, files)), refused };
    });
  },
};
