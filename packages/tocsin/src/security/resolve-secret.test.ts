/** Secrets by reference: where they are named is where they are, however deep, and nothing else is touched. */
import { Secret } from '@tocsin/core';
import { expect, test } from 'vitest';
import { resolveSecrets } from './resolve-secret.ts';

const environment = (name: string): string | undefined => (name === 'KEY' ? 'the key' : undefined);

test('every secret in settings is resolved', async () => {
  const given = { port: 1, auth: { sharedKey: new Secret('env:KEY'), users: [{ password: new Secret('plain') }] }, none: undefined };
  const resolved = (await resolveSecrets(given, { at: 'listeners.forward.x', environment })) as typeof given;
  expect([resolved.port, resolved.auth.sharedKey.reveal(), resolved.auth.users[0]?.password.reveal()]).toEqual([1, 'the key', 'plain']);
  expect(String(resolved.auth.sharedKey)).not.toContain('key');
});

test('a reference to nothing says at which setting it stands', async () => {
  const given = { auth: { password: new Secret('env:NOT_SET') } };
  await expect(resolveSecrets(given, { at: 'listeners.kafka.orders', environment })).rejects.toMatchObject({
    code: 'config.bad_value',
    details: { path: 'listeners.kafka.orders.auth.password' },
  });
});
