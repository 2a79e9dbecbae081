/** `POST /dead-letters/discard`: takes the bytes of dead letters away for good, with a reason. */
import { discardDeadLetter } from '../../deadletters/settle-dead-letter.ts';
import { chosenLetters, settleChosen } from '../chosen-letters.ts';
import type { Route } from '../route.ts';
import { deadLetterChoice } from './list-dead-letters.ts';

export const discardDeadLetters: Route = {
  method: 'POST',
  path: '/dead-letters/discard',
  action: 'deadletters.write',
  summary: 'Discard dead letters for good',
  body: {
    type: 'object',
    additionalProperties: false,
    required: ['because'],
    properties: {
      ...chosenLetters,
      ...deadLetterChoice,
      because: { type: 'string', minLength: 1, maxLength: 1024, description: 'Why, for AUDIT' },
    },
  },
  answer: {
    type: 'object',
    required: ['done', 'failed'],
    properties: {
      done: { type: 'array', items: { type: 'string' }, description: 'Ids of those that are gone' },
      failed: { type: 'array', items: { type: 'object', additionalProperties: true }, description: 'Ids of those that are not, and why' },
      next: { type: 'string', description: 'There are more: give as `after`, with `beforeMs`' },
      beforeMs: { type: 'integer' },
    },
  },
  handle: (call) => {
    const { because } = call.body as { because: string };
    return settleChosen(call, async (stored) => {
      await discardDeadLetter(call.context, call.principal, { ...stored, reason: because });
    });
  },
};
