/** Values made unreadable under a key: hashes that are the same in the whole installation, tokens that are a tenant's own. */
import { createHmac } from 'node:crypto';
import type { Secret } from '@tocsin/core';
import type { FieldAct } from './privacy-policy.ts';

/** What stands in a value's place. */
export type Conceal = (act: FieldAct, value: string) => string;

/** Digits of a hash and of a token: 128 bits each. */
const HASH_DIGITS = 32;
const TOKEN_DIGITS = 32;

/** Values whose concealed form is remembered: few users send most events, and a HMAC costs more than all else. */
const MAX_REMEMBERED = 8192;
/** Longest value that is remembered, characters. */
const MAX_REMEMBERED_CHARS = 256;

/** Conceals values of a tenant. HMAC-SHA256 (RFC 2104); a tenant's token key is the HMAC of its name. Without a key values can only be masked. */
export function createConceal(key: Secret | undefined, tenant: string): Conceal {
  const hashKey = key?.reveal() ?? '';
  const tokenKey = createHmac('sha256', hashKey).update(`tenant:${tenant}`).digest();
  const hash = remembering((value) => createHmac('sha256', hashKey).update(value).digest('hex').slice(0, HASH_DIGITS));
  const token = remembering((value) => `tok_${createHmac('sha256', tokenKey).update(value).digest('hex').slice(0, TOKEN_DIGITS)}`);
  return (act, value) => (act === 'mask' ? '***' : act === 'hash' ? hash(value) : token(value));
}

/** The same function with a memory of what it was asked lately. */
function remembering(make: (value: string) => string): (value: string) => string {
  const known = new Map<string, string>();
  return (value) => {
    const before = known.get(value);
    if (before !== undefined) return before;
    const made = make(value);
    if (value.length > MAX_REMEMBERED_CHARS) return made;
    if (known.size >= MAX_REMEMBERED) known.clear();
    known.set(value, made);
    return made;
  };
}
