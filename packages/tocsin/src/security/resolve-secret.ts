/** Secrets that the settings name by where they are: `env:NAME`, `file:PATH`, or the text itself. Nothing here ever prints one. */
import { readFile, stat } from 'node:fs/promises';
import { Secret, TocsinError } from '@tocsin/core';

/** Largest file of a secret, bytes. */
const MAX_SECRET_BYTES = 65_536;

/**
 * The secret behind a reference; the end of line of a file is no part of it. `at` is the setting, for messages.
 * @throws config.bad_value where there is none
 */
export async function resolveSecret(reference: Secret, { at, environment }: SecretPlace): Promise<Secret> {
  const text = reference.reveal();
  if (text.startsWith('env:')) {
    const name = text.slice('env:'.length);
    const value = environment(name);
    if (value === undefined || value === '') throw bad(at, `env:${name}, which is not set`);
    return new Secret(value);
  }
  return text.startsWith('file:') ? new Secret(await readSecretFile(text.slice('file:'.length), at)) : reference;
}

/**
 * Settings with every secret in them, however deep, in place of its reference. `at` is where the settings stand.
 * @throws config.bad_value of the first that is not there
 */
export async function resolveSecrets(value: unknown, { at, environment }: SecretPlace): Promise<unknown> {
  if (value instanceof Secret) return await resolveSecret(value, { at, environment });
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return await Promise.all(value.map((each, i) => resolveSecrets(each, { at: `${at}.${i}`, environment })));
  const entries = Object.entries(value).map(async ([key, each]) => [key, await resolveSecrets(each, { at: `${at}.${key}`, environment })]);
  return Object.fromEntries((await Promise.all(entries)) as [string, unknown][]);
}

/** Where a reference stands, and what resolves it. */
export interface SecretPlace {
  readonly at: string;
  readonly environment: (name: string) => string | undefined;
}

async function readSecretFile(path: string, at: string): Promise<string> {
  try {
    const { size } = await stat(path);
    const text = size > MAX_SECRET_BYTES ? '' : (await readFile(path, 'utf8')).replace(/\r?\n$/, '');
    if (text !== '') return text;
  } catch (cause) {
    throw bad(at, `file:${path}, which cannot be read`, cause);
  }
  throw bad(at, `file:${path}, which is empty or larger than ${MAX_SECRET_BYTES} bytes`);
}

function bad(at: string, found: string, cause?: unknown): TocsinError {
  const wants = found.startsWith('env:') ? 'the name of an environment variable that is set' : 'the path of a file that holds the secret';
  return new TocsinError('config.bad_value', { at: 'settings', path: at, found, wants }, { cause });
}
