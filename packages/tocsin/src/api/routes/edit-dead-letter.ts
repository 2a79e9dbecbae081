/** `POST /dead-letters/:id/edit`: another content for a dead letter, before it is redriven. The hashes of both are on AUDIT. */
import { TocsinError } from '@tocsin/core';
import { getDeadLetter } from '../../deadletters/find-dead-letters.ts';
import { editDeadLetter } from '../../deadletters/settle-dead-letter.ts';
import type { Route } from '../route.ts';
import { deadLetterSchema } from '../schemas.ts';

/** What every bus takes as a message, with room for headers. */
const MAX_CONTENT_BYTES = 1 << 20;

export const editDeadLetterRoute: Route = {
  method: 'POST',
  path: '/dead-letters/:id/edit',
  action: 'deadletters.write',
  summary: 'Give a dead letter another content',
  body: {
    type: 'object',
    additionalProperties: false,
    properties: {
      content: { type: 'string', description: "The event's new record, or the message's new body, as text" },
      contentBase64: { type: 'string', pattern: '^[A-Za-z0-9+/]*={0,2}$', description: 'The same as bytes' },
    },
  },
  answer: { type: 'object', required: ['deadLetter'], properties: { deadLetter: deadLetterSchema } },
  async handle({ context, principal, params, body }) {
    const { content, contentBase64 } = body as { content?: string; contentBase64?: string };
    if ((content === undefined) === (contentBase64 === undefined))
      throw new TocsinError('api.bad_request', { reason: 'either content or contentBase64 is given' });
    const bytes = content === undefined ? Buffer.from(contentBase64 ?? '', 'base64') : Buffer.from(content);
    const stored = await getDeadLetter(context.bus, principal.tenant, params['id'] ?? '');
    if (bytes.length === 0 || bytes.length > MAX_CONTENT_BYTES) {
      const reason = `its new content has ${bytes.length} bytes, and it may have 1 to ${MAX_CONTENT_BYTES}`;
      throw new TocsinError('deadletter.bad_edit', { id: stored.letter.id, reason });
    }
    return { deadLetter: await editDeadLetter(context, principal, { ...stored, content: bytes }) };
  },
};
