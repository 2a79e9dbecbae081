/**
 * The one place where names of tenants, sources and the like become tokens of a bus subject, and back. Letters, digits,
 * `-` and `_` stand for themselves; every other byte of the name's UTF-8 is `=` and two hex digits, so that no name can
 * hold a separator or a wildcard and two names never share a token.
 */
import { TocsinError } from './tocsin-error.ts';

/** Longest name, in bytes of UTF-8: keeps every subject far below what brokers take. */
export const MAX_NAME_BYTES = 128;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });
const PLAIN = /^[A-Za-z0-9_-]+$/;

/** Token of a name. @throws bus.bad_name when it is empty, longer than `MAX_NAME_BYTES`, or no well-formed Unicode. */
export function encodeToken(name: string): string {
  if (name === '') throw new TocsinError('bus.bad_name', { name: '""', reason: 'it is empty' });
  if (!name.isWellFormed()) throw new TocsinError('bus.bad_name', { name: JSON.stringify(name), reason: 'it holds half a character' });
  if (name.length <= MAX_NAME_BYTES && PLAIN.test(name)) return name;
  const bytes = encoder.encode(name);
  if (bytes.length > MAX_NAME_BYTES) {
    throw new TocsinError('bus.bad_name', { name: JSON.stringify(name.slice(0, 40)), reason: `it is longer than ${MAX_NAME_BYTES} bytes` });
  }
  let token = '';
  for (const byte of bytes) token += isPlain(byte) ? String.fromCharCode(byte) : `=${byte.toString(16).padStart(2, '0')}`;
  return token;
}

/** Name of a token that `encodeToken` made. @throws bus.bad_name when it is none of its making. */
export function decodeToken(token: string): string {
  const bytes: number[] = [];
  for (let i = 0; i < token.length; i++) {
    if (token[i] === '=') {
      bytes.push(Number.parseInt(token.slice(i + 1, i + 3), 16));
      i += 2;
    } else bytes.push(token.charCodeAt(i));
  }
  try {
    const name = decoder.decode(Uint8Array.from(bytes));
    if (encodeToken(name) === token) return name;
  } catch (cause) {
    throw new TocsinError('bus.bad_name', { name: JSON.stringify(token), reason: 'it is no token of a name' }, { cause });
  }
  throw new TocsinError('bus.bad_name', { name: JSON.stringify(token), reason: 'it is no token of a name' });
}

function isPlain(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122) || byte === 45 || byte === 95;
}
