/** `POST /dead-letters/redrive`: gives dead letters back to their consumers, one, many or all, so many a second. */
import type { Position } from '@tocsin/core';
import { redriveDeadLetter } from '../../deadletters/settle-dead-letter.ts';
import { chosenLetters, settleChosen } from '../chosen-letters.ts';
import type { Route } from '../route.ts';
import { deadLetterChoice } from './list-dead-letters.ts';

const DEFAULT_PER_SECOND = 50;

export const redriveDeadLetters: Route = {
  method: 'POST',
  path: '/dead-letters/redrive',
  action: 'deadletters.write',
  summary: 'Give dead letters back to their consumers',
  body: {
    type: 'object',
    additionalProperties: false,
    properties: {
      ...chosenLetters,
      ...deadLetterChoice,
      perSecond: {
        type: 'integer',
        minimum: 1,
        maximum: 1000,
        default: DEFAULT_PER_SECOND,
        description: 'Most letters a second, of the whole tenant',
      },
    },
  },
  answer: {
    type: 'object',
    required: ['done', 'failed'],
    properties: {
      done: { type: 'array', items: { type: 'string' }, description: 'Ids of those that went back' },
      failed: { type: 'array', items: { type: 'object', additionalProperties: true }, description: 'Ids of those that did not, and why' },
      next: { type: 'string', description: 'There are more: give as `after`, with `beforeMs`' },
      beforeMs: { type: 'integer' },
    },
  },
  handle: (call) => {
    const { perSecond = DEFAULT_PER_SECOND } = call.body as { perSecond?: number; after?: Position };
    const { context, principal } = call;
    return settleChosen(call, async (stored) => {
      await context.redrives.turn(principal.tenant, perSecond, context.closing);
      await redriveDeadLetter(context, principal, stored);
    });
  },
};
