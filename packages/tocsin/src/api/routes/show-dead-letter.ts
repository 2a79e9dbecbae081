/** `GET /dead-letters/:id`: one dead letter with its bytes and, of an event, what its envelope says. */
import { openFrame } from '@tocsin/bus';
import { isTocsinError } from '@tocsin/core';
import type { StoredDeadLetter } from '../../deadletters/dead-letter.ts';
import { getDeadLetter } from '../../deadletters/find-dead-letters.ts';
import type { Route } from '../route.ts';
import { deadLetterSchema } from '../schemas.ts';

export const showDeadLetter: Route = {
  method: 'GET',
  path: '/dead-letters/:id',
  action: 'deadletters.read',
  summary: 'Show a dead letter with its content',
  answer: {
    type: 'object',
    required: ['deadLetter', 'contentBase64'],
    properties: {
      deadLetter: deadLetterSchema,
      contentBase64: { type: 'string', description: "An event's own record, or the bytes of a message" },
      content: { type: 'string', description: 'The same as text, where it is UTF-8' },
      event: { type: 'object', additionalProperties: true, description: 'Envelope of the event' },
    },
  },
  handle: async ({ context, principal, params }) => describe(await getDeadLetter(context.bus, principal.tenant, params['id'] ?? '')),
};

function describe(stored: StoredDeadLetter): Record<string, unknown> {
  const { letter, body } = stored;
  const event = eventOf(stored);
  const content = Buffer.from(event?.record ?? body);
  const text = content.toString('utf8');
  const { record: _record, ...envelope } = event ?? { record: body };
  return {
    deadLetter: letter,
    contentBase64: content.toString('base64'),
    ...(Buffer.from(text).equals(content) ? { content: text } : {}),
    ...(event === undefined ? {} : { event: envelope }),
  };
}

function eventOf({ letter, body }: StoredDeadLetter): ReturnType<ReturnType<typeof openFrame>['event']> | undefined {
  if (letter.kind !== 'event' || letter.state === 'discarded') return undefined;
  try {
    return openFrame(body, { tenant: letter.tenant }).event(0);
  } catch (error) {
    if (isTocsinError(error, 'bus.bad_frame')) return undefined;
    throw error;
  }
}
