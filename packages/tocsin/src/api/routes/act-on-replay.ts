/** `POST /replays/:id/stop`, `POST /replays/:id/resume`, `DELETE /replays/:id`. */
import { describeReplay, replaySchema } from '../replay-answer.ts';
import type { ApiCall, Route } from '../route.ts';
import { tenantQuery } from '../schemas.ts';

const answer = { type: 'object', required: ['replay'], properties: { replay: replaySchema } };

/** Stops one where it is. */
export const stopReplay: Route = {
  method: 'POST',
  path: '/replays/:id/stop',
  action: 'replays.write',
  summary: 'Stop a replay where it is',
  query: tenantQuery({}),
  answer,
  handle: (call) => act(call, 'stop', async (tenant, id) => ({ replay: describeReplay(await call.context.replays.stop(tenant, id)) })),
};

/** Lets one go on. */
export const resumeReplay: Route = {
  method: 'POST',
  path: '/replays/:id/resume',
  action: 'replays.write',
  summary: 'Let a replay go on that was stopped or has failed',
  query: tenantQuery({}),
  answer,
  handle: (call) => act(call, 'resume', async (tenant, id) => ({ replay: describeReplay(await call.context.replays.resume(tenant, id)) })),
};

/** Removes one. */
export const removeReplay: Route = {
  method: 'DELETE',
  path: '/replays/:id',
  action: 'replays.write',
  summary: 'Remove a replay with everything it has found',
  query: tenantQuery({}),
  answer: { type: 'object', required: ['removed'], properties: { removed: { type: 'boolean' } } },
  handle: (call) =>
    act(call, 'removed', async (tenant, id) => {
      await call.context.replays.remove(tenant, id);
      return { removed: true };
    }),
};

/** One of another tenant is the operators' only. */
function act<T>(
  { context, principal, params, query }: ApiCall,
  after: string,
  effect: (tenant: string, id: string) => Promise<T>,
): Promise<T> {
  const wanted = query['tenant'];
  const tenant = typeof wanted === 'string' ? wanted : principal.tenant;
  const id = params['id'] ?? '';
  const action = tenant === principal.tenant ? 'replays.write' : 'installation.write';
  return context.privileged(principal, { action, resource: `replay/${id}`, after }, () => effect(tenant, id));
}
