/** People as they are listed: who has a credential, in which tenant, with which roles, and whether it still works. */
import { OPERATOR_ACTOR } from '../operator.ts';
import type { PersonRecord, Registry } from '../registry/registry.ts';
import { OPERATING_TENANT, type PersonRole } from '../security/principal.ts';

/** Whether a person's credential works. */
export type PersonState = 'active' | 'expired' | 'revoked';

/** A person as the API answers. Times are milliseconds since 1970. */
export interface ListedPerson {
  readonly tenant: string;
  readonly name: string;
  readonly roles: readonly PersonRole[];
  readonly state: PersonState;
  readonly createdMs: number;
  readonly expiresMs?: number;
  readonly revokedMs?: number;
}

/** People of one tenant, or of all, by tenant and name; the operator of the data folder among them. */
export function listPeople(registry: Registry, tenant: string | undefined, nowMs: number): ListedPerson[] {
  const people = registry.list('person', tenant).map((one) => listedPerson(one.tenant, one.value, nowMs));
  return [...operators(registry, tenant), ...people].sort((a, b) => compare(a.tenant, b.tenant) || compare(a.name, b.name));
}

/** One person. */
export function listedPerson(tenant: string, { name, roles, createdMs, expiresMs, revokedMs }: PersonRecord, nowMs: number): ListedPerson {
  const state = revokedMs !== undefined ? 'revoked' : expiresMs !== undefined && expiresMs <= nowMs ? 'expired' : 'active';
  return {
    tenant,
    name,
    roles,
    state,
    createdMs,
    ...(expiresMs === undefined ? {} : { expiresMs }),
    ...(revokedMs === undefined ? {} : { revokedMs }),
  };
}

/** Made by the first start and not by anybody, it has a credential and nothing else. */
function operators(registry: Registry, tenant: string | undefined): ListedPerson[] {
  if (tenant !== undefined && tenant !== OPERATING_TENANT) return [];
  return registry
    .list('credential', OPERATING_TENANT)
    .filter(({ value }) => value.actor === OPERATOR_ACTOR && value.revokedMs === undefined)
    .map(({ value }) => ({
      tenant: OPERATING_TENANT,
      name: OPERATOR_ACTOR,
      roles: ['admin'] as const,
      state: 'active' as const,
      createdMs: value.createdMs,
    }));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
