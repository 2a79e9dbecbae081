/** `GET /replays` and `GET /replays/:id`: replays of a tenant, and how far each is. */
import { describeReplay, replaySchema } from '../replay-answer.ts';
import { tenantOf } from '../replay-choice.ts';
import type { Route } from '../route.ts';
import { tenantQuery } from '../schemas.ts';

/** All of a tenant. */
export const listReplays: Route = {
  method: 'GET',
  path: '/replays',
  action: 'replays.read',
  summary: 'List replays, the newest first',
  query: tenantQuery({}),
  answer: { type: 'object', required: ['replays'], properties: { replays: { type: 'array', items: replaySchema } } },
  handle: async ({ context, principal, query }) => ({
    replays: context.replays.list(tenantOf(principal, query['tenant'])).map(describeReplay),
  }),
};

/** One of them. */
export const showReplay: Route = {
  method: 'GET',
  path: '/replays/:id',
  action: 'replays.read',
  summary: 'Show how far a replay is',
  query: tenantQuery({}),
  answer: { type: 'object', required: ['replay'], properties: { replay: replaySchema } },
  handle: async ({ context, principal, params, query }) => ({
    replay: describeReplay(context.replays.get(tenantOf(principal, query['tenant']), params['id'] ?? '')),
  }),
};
