/** Values made unreadable under a key: hashes that are the same in the whole installation, tokens that are a tenant's own. */
import { createHmac } from 'node:crypto';
import type { Secret } from '@tocsin/core';
import type { FieldAct } from './privacy-policy.ts';

/** What stands in a value's place. */
export type Conceal = (act: FieldAct, value: string) => string;

/** Digits of a hash, and characters of a token: 128 bits each. */
const HASH_DIGITS = 32;
const TOKEN_BYTES = 16;

/** Conceals values of a tenant. HMAC-SHA256 (RFC 2104); a tenant's token key is the HMAC of its name. Without a key values can only be masked. */
export function createConceal(key: Secret | undefined, tenant: string): Conceal {
  const hashKey = key?.reveal() ?? '';
  const tokenKey = createHmac('sha256', hashKey).update(`tenant:${tenant}`).digest();
  return (act, value) => {
    if (act === 'mask') return '***';
    if (act === 'hash') return createHmac('sha256', hashKey).update(value).digest('hex').slice(0, HASH_DIGITS);
    return `tok_${createHmac('sha256', tokenKey).update(value).digest().subarray(0, TOKEN_BYTES).toString('hex')}`;
  };
}
