/** `GET /dead-letters`: what consumers could not handle, the oldest state first, without its bytes. */
import type { Position } from '@tocsin/core';
import type { DeadLetterState } from '../../deadletters/dead-letter.ts';
import { type DeadLetterQuery, findDeadLetters } from '../../deadletters/find-dead-letters.ts';
import type { JsonSchema, Route } from '../route.ts';
import { deadLetterSchema, pageQuery } from '../schemas.ts';

/** What dead letters can be chosen by, here and where many are redriven or discarded. */
export const deadLetterChoice: Readonly<Record<string, JsonSchema>> = {
  consumer: { type: 'string', minLength: 1, maxLength: 128, description: 'Only of this consumer' },
  reason: {
    type: 'string',
    maxLength: 32,
    description: 'Only for this reason: unreadable, threw, deadline, memory, crashed, refused, exhausted, invalid',
  },
  source: { type: 'string', maxLength: 128, description: 'Only of this source' },
  text: { type: 'string', maxLength: 256, description: 'Only with this text in one of the errors' },
};

/** The choice of a request, within the caller's tenant. */
export function readChoice(tenant: string, given: Readonly<Record<string, unknown>>): DeadLetterQuery {
  const text = (name: string): string | undefined => given[name] as string | undefined;
  return {
    tenant,
    consumer: text('consumer'),
    state: text('state') as DeadLetterState | undefined,
    reason: text('reason'),
    source: text('source'),
    text: text('text'),
    id: text('id'),
  };
}

/** The route. */
export const listDeadLetters: Route = {
  method: 'GET',
  path: '/dead-letters',
  action: 'deadletters.read',
  summary: 'List dead letters, the oldest state first',
  query: pageQuery({
    ...deadLetterChoice,
    id: { type: 'string', minLength: 1, maxLength: 32, description: 'Only with an id that begins so' },
    state: { type: 'string', enum: ['waiting', 'redriven', 'discarded'], description: 'Only in this state' },
  }),
  answer: {
    type: 'object',
    required: ['deadLetters'],
    properties: {
      deadLetters: { type: 'array', items: deadLetterSchema },
      next: { type: 'string', description: 'Give as `after` for the next page' },
    },
  },
  async handle({ context, principal, query }) {
    const { letters, next } = await findDeadLetters(context.bus, readChoice(principal.tenant, query), {
      limit: query['limit'] as number,
      after: query['after'] as Position | undefined,
      signal: context.closing,
    });
    return { deadLetters: letters.map(({ letter }) => letter), ...(next === undefined ? {} : { next }) };
  },
};
