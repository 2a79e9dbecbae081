/**
 * The first of security's two doors: evidence in, principal out. The tenant, and for producers the source, come from
 * the credential and from nothing else.
 */
import { type Clock, TocsinError } from '@tocsin/core';
import type { Source } from '@tocsin/ingest';
import type { CredentialRecord, Registry } from '../registry/registry.ts';
import type { SourceBook } from '../registry/source-book.ts';
import { hashToken, readBearer } from './bearer-token.ts';
import { mayDo, type Principal } from './principal.ts';

/** What a caller shows of himself. */
export interface AuthenticationEvidence {
  /** The `Authorization` header as received. */
  readonly authorization: string | undefined;
}

/** Tells who somebody is. @throws auth.missing without a credential, auth.refused with an unknown, revoked or expired one */
export type Authenticate = (evidence: AuthenticationEvidence) => Promise<Principal>;

/** Authentication by bearer token against the registry's hashed credentials. */
export function createAuthenticate(registry: Registry, clock: Clock): Authenticate {
  return async ({ authorization }) => {
    if (authorization === undefined || authorization === '') throw new TocsinError('auth.missing', {});
    const token = readBearer(authorization);
    // Looked up by hash: nothing is compared with a secret, so timing tells nothing about one.
    const credential = token === undefined ? undefined : registry.credentialByHash(hashToken(token));
    if (!credential) throw new TocsinError('auth.refused', { reason: 'it is not known' });
    const { tenant, id, value } = credential;
    const over = whyOver(value, clock.nowMs());
    if (over !== undefined) throw new TocsinError('auth.refused', { reason: over });
    return { tenant, actor: value.actor, source: value.source, roles: value.roles, credentialId: id.slice(0, 12), credential: id };
  };
}

/** Whether who was authenticated would be still. For what stays open: an answer that goes on must not outlive the right to it. */
export function isStillAccepted(registry: Pick<Registry, 'credentialByHash'>, { credential }: Principal, nowMs: number): boolean {
  const known = credential === undefined ? undefined : registry.credentialByHash(credential);
  return known !== undefined && whyOver(known.value, nowMs) === undefined;
}

function whyOver({ revokedMs, expiresMs }: CredentialRecord, nowMs: number): string | undefined {
  if (revokedMs !== undefined) return 'it was revoked';
  return expiresMs !== undefined && expiresMs <= nowMs ? 'it has expired' : undefined;
}

/** Authentication at the events door: the credential must belong to a source; `onForbidden` is told of one that does not. @throws auth.forbidden where it may not send events */
export function createAuthenticateSource(
  authenticate: Authenticate,
  book: Pick<SourceBook, 'find'>,
  onForbidden: (principal: Principal) => void = () => undefined,
): (evidence: AuthenticationEvidence) => Promise<{ readonly source: Source }> {
  return async (evidence) => {
    const principal = await authenticate(evidence);
    const { tenant, actor, source: name } = principal;
    const source = name === undefined ? undefined : book.find(tenant, name);
    if (!source || !mayDo(principal, 'events.write')) {
      onForbidden(principal);
      throw new TocsinError('auth.forbidden', { actor, action: 'events.write' });
    }
    return { source: { ...source, credential: principal.credential } };
  };
}
