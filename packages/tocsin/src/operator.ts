/**
 * The first operator: on an installation's first start a person's credential with the role admin is made, its hash put on
 * CHANGES as an audited act, and the token kept in the data folder for the command line. There is no default password.
 */
import type { Clock } from '@tocsin/core';
import type { Registry } from './registry/registry.ts';
import { createToken, hashToken } from './security/bearer-token.ts';
import type { Principal } from './security/principal.ts';
import type { Privileged } from './security/privileged.ts';

/** Tenant of a fresh installation. */
export const FIRST_TENANT = 'default';

/** Who acts while there is nobody yet. */
const BOOTSTRAP: Principal = { tenant: FIRST_TENANT, actor: 'tocsin/first-start', roles: ['admin'], credentialId: 'none' };

/** Makes sure that a known operator token works; answers the one to keep, or undefined where the kept one does. */
export async function ensureOperator(kept: string | undefined, deps: { registry: Registry; privileged: Privileged; clock: Clock }): Promise<string | undefined> {
  const known = kept === undefined ? undefined : deps.registry.credentialByHash(hashToken(kept));
  if (known && known.value.revokedMs === undefined) return undefined;
  const token = createToken('person');
  const credential = { actor: 'operator', roles: ['admin'] as const, createdMs: deps.clock.nowMs() };
  const act = { action: 'sources.write', resource: 'credential/operator', after: { actor: credential.actor, roles: credential.roles } } as const;
  await deps.privileged(BOOTSTRAP, act, () => deps.registry.put({ tenant: FIRST_TENANT, kind: 'credential', id: hashToken(token) }, credential));
  return token;
}
