/** `POST /people`: lets a person in, with a credential shown this once. The first of a tenant makes the tenant. */
import { TocsinError } from '@tocsin/core';
import { OPERATOR_ACTOR } from '../../operator.ts';
import { listedPerson } from '../../people/listed-people.ts';
import type { PersonRecord, Registered } from '../../registry/registry.ts';
import { requireUsableName } from '../../registry/usable-name.ts';
import { createToken, hashToken } from '../../security/bearer-token.ts';
import { PERSON_ROLES, type PersonRole } from '../../security/principal.ts';
import type { ApiContext, Route } from '../route.ts';
import { personSchema } from '../schemas.ts';

interface NewPerson {
  readonly name: string;
  readonly tenant?: string;
  readonly roles: readonly PersonRole[];
  readonly expiresInSeconds?: number;
}

const TEN_YEARS_S = 315_360_000;

export const addPerson: Route = {
  method: 'POST',
  path: '/people',
  action: 'people.write',
  summary:
    'Let a person in and get the credential, shown only in this answer; in another tenant: operators only, and the first one makes it',
  body: {
    type: 'object',
    additionalProperties: false,
    required: ['name', 'roles'],
    properties: {
      name: { type: 'string', minLength: 1, maxLength: 128, description: 'Name on the audit trail; no `/`' },
      tenant: { type: 'string', minLength: 1, maxLength: 128, description: 'The own where left out' },
      roles: { type: 'array', minItems: 1, uniqueItems: true, items: { type: 'string', enum: PERSON_ROLES } },
      expiresInSeconds: {
        type: 'integer',
        minimum: 1,
        maximum: TEN_YEARS_S,
        description: 'How long it is accepted; left out: until it is revoked',
      },
    },
  },
  answer: {
    type: 'object',
    required: ['person', 'token'],
    properties: { person: personSchema, token: { type: 'string', description: 'Bearer token; only its hash is kept' } },
  },
  async handle({ context, principal, body }) {
    const { name, tenant = principal.tenant, roles, expiresInSeconds } = body as NewPerson;
    requirePersonName(name);
    requireUsableName(tenant);
    const present = requireFree(context, tenant, name);
    const createdMs = context.clock.nowMs();
    const expires = expiresInSeconds === undefined ? {} : { expiresMs: createdMs + expiresInSeconds * 1000 };
    const person: PersonRecord = { name, roles, createdMs, ...expires };
    const token = createToken('person');
    const action = tenant === principal.tenant ? 'people.write' : 'installation.write';
    await context.privileged(
      principal,
      { action, resource: `person/${tenant}/${name}`, before: present?.value, after: person },
      async () => {
        // The person first: of two who add one name at once, one is refused before there is a second credential.
        await context.registry.put({ tenant, kind: 'person', id: name }, person, { seen: present });
        const credential = { actor: name, roles, createdMs, ...expires };
        const made = { tenant, kind: 'credential', id: hashToken(token) } as const;
        await context.registry.put(made, credential);
        const { revokedMs } = context.registry.get(tenant, 'person', name)?.value ?? {};
        if (revokedMs === undefined) return;
        await context.registry.put(made, { ...credential, revokedMs });
        throw new TocsinError('api.conflict', { what: 'person', id: name });
      },
    );
    return { person: listedPerson(tenant, person, createdMs), token };
  },
};

/** What acts of sources and of Tocsin itself stand under on the audit trail is no person's name. @throws bus.bad_name */
function requirePersonName(name: string): void {
  requireUsableName(name);
  if (name === OPERATOR_ACTOR || name.includes('/'))
    throw new TocsinError('bus.bad_name', {
      name: JSON.stringify(name),
      reason: 'acts of others stand under such names on the audit trail',
    });
}

/** @throws api.exists where somebody of that name can still come in */
function requireFree({ registry, clock }: ApiContext, tenant: string, name: string): Registered<PersonRecord> | undefined {
  const present = registry.get(tenant, 'person', name);
  if (present !== undefined && listedPerson(tenant, present.value, clock.nowMs()).state === 'active')
    throw new TocsinError('api.exists', { what: 'person', id: name });
  return present;
}
