/**
 * Keys of the duties: made once per data directory, kept in a file that only its owner may read. Which duty may do what
 * is not here but in the permissions.
 */
import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TocsinError } from '@tocsin/core';
import { createUserKey, publicOf, type UserKey } from '../nkey.ts';
import { readIfThere } from './process-identity.ts';

/** What a duty shows to the bus. `seed` is secret. */
export interface BusCredential {
  readonly duty: string;
  readonly seed: string;
  /** Inbox of this duty alone, so that no duty can listen to another's answers. */
  readonly inboxPrefix: string;
}

/** Keys by duty; missing ones are made and the file, mode 0600, is rewritten. @throws server.bad_setting when the file is damaged */
export function openCredentials(directory: string, duties: readonly string[]): ReadonlyMap<string, UserKey> {
  const path = join(directory, 'credentials.json');
  const keys = readKeys(path);
  const missing = duties.filter((duty) => !keys.has(duty));
  for (const duty of missing) keys.set(duty, createUserKey());
  if (missing.length > 0) {
    const draft = `${path}.new`;
    writeFileSync(draft, JSON.stringify(Object.fromEntries([...keys].map(([duty, key]) => [duty, key.seed])), undefined, 2), {
      mode: 0o600,
      flush: true,
    });
    renameSync(draft, path);
  }
  chmodSync(path, 0o600);
  return keys;
}

/** Credential of one duty. */
export function credentialOf(duty: string, key: UserKey): BusCredential {
  return { duty, seed: key.seed, inboxPrefix: `_INBOX_${duty}` };
}

function readKeys(path: string): Map<string, UserKey> {
  const keys = new Map<string, UserKey>();
  const text = readIfThere(path);
  if (text === undefined) return keys;
  try {
    for (const [duty, seed] of Object.entries(JSON.parse(text) as Record<string, unknown>))
      keys.set(duty, { seed: String(seed), public: publicOf(String(seed)) });
  } catch (cause) {
    throw new TocsinError(
      'server.bad_setting',
      { what: `Credentials file ${path}`, reason: 'it is damaged; remove it and new keys are made' },
      { cause },
    );
  }
  return keys;
}
