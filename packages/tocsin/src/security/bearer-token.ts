/**
 * Bearer tokens: 256 random bits behind a prefix that tells people and secret scanners what they have found. Only the
 * SHA-256 of a token is ever stored; a random token of this length needs no slow hash.
 */
import { hash, randomBytes } from 'node:crypto';

const TOKEN = /^tocsin_[a-z]{1,16}_[A-Za-z0-9_-]{43}$/;

/** A new token for `use`, such as `tocsin_source_…`. `random` gives that many random bytes. */
export function createToken(use: 'source' | 'person', random: (bytes: number) => Buffer = randomBytes): string {
  return `tocsin_${use}_${random(32).toString('base64url')}`;
}

/** SHA-256 of a token, 64 hex digits: what CHANGES holds and look-ups go by. */
export function hashToken(token: string): string {
  return hash('sha256', token);
}

/** The token of an `Authorization: Bearer` header (RFC 6750); undefined where there is none of ours. */
export function readBearer(authorization: string | undefined): string | undefined {
  const [scheme, token, ...rest] = (authorization ?? '').split(' ');
  if (scheme?.toLowerCase() !== 'bearer' || token === undefined || rest.length > 0) return undefined;
  return TOKEN.test(token) ? token : undefined;
}
