/**
 * The first operator: on an installation's first start a person's credential with the role admin is made, its hash put on
 * CHANGES as an audited act, and the token kept in the data folder for the command line. There is no default password.
 */
import type { Clock } from '@tocsin/core';
import type { Registry } from './registry/registry.ts';
import { createToken, hashToken } from './security/bearer-token.ts';
import { OPERATING_TENANT, type Principal } from './security/principal.ts';
import type { Privileged } from './security/privileged.ts';

/** Tenant of a fresh installation. */
export const FIRST_TENANT = OPERATING_TENANT;

/** Name of the operator on AUDIT. */
export const OPERATOR_ACTOR = 'operator';
/** Who acts while there is nobody yet. */
const BOOTSTRAP: Principal = { tenant: FIRST_TENANT, actor: 'tocsin/first-start', roles: ['admin'], credentialId: 'none' };

/** What the first operator is made with. */
export interface OperatorDeps {
  readonly registry: Registry;
  readonly privileged: Privileged;
  readonly clock: Clock;
  /** Keeps a token for the command line. */
  readonly keep: (token: string) => Promise<void>;
  /** This process, where several share the duties: each keeps a token of its own, and those of the others stay valid. */
  readonly member?: string | undefined;
}

/**
 * Makes sure that a known operator token works and answers it. A new one is kept before it is made valid: a crash in between leaves a
 * file that is replaced, never a credential that nobody holds. Whoever lost the token loses it for all: former ones are revoked.
 */
export async function ensureOperator(
  kept: string | undefined,
  { registry, privileged, clock, keep, member }: OperatorDeps,
): Promise<string> {
  const known = kept === undefined ? undefined : registry.credentialByHash(hashToken(kept));
  if (kept !== undefined && known && known.value.revokedMs === undefined) return kept;
  const token = createToken('person');
  await keep(token);
  const createdMs = clock.nowMs();
  const credential = { actor: OPERATOR_ACTOR, roles: ['admin'] as const, member, createdMs };
  const act = {
    action: 'sources.write',
    resource: 'credential/operator',
    after: { actor: credential.actor, roles: credential.roles },
  } as const;
  await privileged(BOOTSTRAP, act, async () => {
    for (const { id, value } of registry.list('credential', FIRST_TENANT)) {
      if (value.actor !== OPERATOR_ACTOR || value.member !== member || value.revokedMs !== undefined) continue;
      await registry.put({ tenant: FIRST_TENANT, kind: 'credential', id }, { ...value, revokedMs: createdMs });
    }
    await registry.put({ tenant: FIRST_TENANT, kind: 'credential', id: hashToken(token) }, credential);
  });
  return token;
}
