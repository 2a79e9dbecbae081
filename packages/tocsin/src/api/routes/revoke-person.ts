/** `POST /people/:name/revoke`: the person's credentials stop working at once, and what is followed with them ends. */
import { TocsinError } from '@tocsin/core';
import { listedPerson } from '../../people/listed-people.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Route } from '../route.ts';
import { personSchema } from '../schemas.ts';

export const revokePerson: Route = {
  method: 'POST',
  path: '/people/:name/revoke',
  action: 'people.write',
  summary: 'Revoke a person: the next request is answered 401; in another tenant: operators only',
  body: {
    type: 'object',
    additionalProperties: false,
    properties: { tenant: { type: 'string', minLength: 1, maxLength: 128, description: 'The own where left out' } },
  },
  answer: { type: 'object', required: ['person'], properties: { person: personSchema } },
  async handle({ context, principal, params, body }) {
    const { registry, clock } = context;
    const { tenant = principal.tenant } = (body ?? {}) as { readonly tenant?: string };
    const name = params['name'] ?? '';
    const nowMs = clock.nowMs();
    const action = tenant === principal.tenant ? 'people.write' : 'installation.write';
    return await context.privileged(principal, { action, resource: `person/${tenant}/${name}` }, async () => {
      // Only who may revoke learns who there is.
      const person = registry.get(tenant, 'person', name);
      if (person === undefined) throw new TocsinError('api.not_found', { what: 'person', id: name });
      const revoked = { ...person.value, revokedMs: person.value.revokedMs ?? nowMs };
      // Credentials first: should the process die in between, the door is shut already.
      await revokeCredentials(registry, { tenant, name, revokedMs: revoked.revokedMs });
      await registry.put({ tenant, kind: 'person', id: name }, revoked, { seen: person });
      // And what was made for the person meanwhile; whatever is made from here on sees that the person is revoked.
      await revokeCredentials(registry, { tenant, name, revokedMs: revoked.revokedMs });
      return { person: listedPerson(tenant, revoked, nowMs) };
    });
  },
};

async function revokeCredentials(
  registry: Registry,
  { tenant, name, revokedMs }: { readonly tenant: string; readonly name: string; readonly revokedMs: number },
): Promise<void> {
  for (const credential of registry.list('credential', tenant)) {
    const { actor, source, revokedMs: before } = credential.value;
    if (actor !== name || source !== undefined || before !== undefined) continue;
    await registry.put({ tenant, kind: 'credential', id: credential.id }, { ...credential.value, revokedMs }, { seen: credential });
  }
}
