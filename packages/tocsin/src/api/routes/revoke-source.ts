/** `POST /sources/:name/revoke`: its credentials stop working at once; what it has sent stays. */
import { TocsinError } from '@tocsin/core';
import type { Route } from '../route.ts';

export const revokeSource: Route = {
  method: 'POST',
  path: '/sources/:name/revoke',
  action: 'sources.write',
  summary: 'Revoke a source: its next request is answered 401',
  answer: { type: 'object', required: ['name', 'revokedMs'], properties: { name: { type: 'string' }, revokedMs: { type: 'integer' } } },
  async handle({ context, principal, params }) {
    const { registry } = context;
    const { tenant } = principal;
    const name = params['name'] ?? '';
    const source = registry.get(tenant, 'source', name);
    if (!source) throw new TocsinError('api.not_found', { what: 'source', id: name });
    const revokedMs = source.value.revokedMs ?? context.clock.nowMs();
    const after = { ...source.value, revokedMs };
    await context.privileged(principal, { action: 'sources.write', resource: `source/${name}`, before: source.value, after }, async () => {
      // Credentials first: should the process die in between, the door is shut already.
      for (const credential of registry.list('credential', tenant)) {
        if (credential.value.source !== name || credential.value.revokedMs !== undefined) continue;
        await registry.put({ tenant, kind: 'credential', id: credential.id }, { ...credential.value, revokedMs });
      }
      await registry.put({ tenant, kind: 'source', id: name }, after, { seen: source });
    });
    return { name, revokedMs };
  },
};
