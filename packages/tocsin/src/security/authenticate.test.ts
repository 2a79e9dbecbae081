import { type ErrorCode, isTocsinError } from '@tocsin/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openGround } from '../../test/ground.ts';
import { type CredentialRecord, Registry } from '../registry/registry.ts';
import { SourceBook } from '../registry/source-book.ts';
import { createAuthenticate, createAuthenticateSource } from './authenticate.ts';
import { createToken, hashToken, readBearer } from './bearer-token.ts';
import { mayDo } from './principal.ts';

const NOW = 1_000_000;
const clock = { nowMs: () => NOW, monotonicMs: () => 0 };
const tokens: Record<string, string> = {};
let registry: Registry;

async function give(name: string, credential: Partial<CredentialRecord>, tenant = 'acme'): Promise<void> {
  const token = createToken(credential.source === undefined ? 'person' : 'source');
  tokens[name] = token;
  const whole = { actor: name, roles: ['admin'] as const, createdMs: 1, ...credential };
  await registry.put({ tenant, kind: 'credential', id: hashToken(token) }, whole);
}

beforeAll(async () => {
  const { bus } = await openGround();
  registry = await Registry.open(bus, () => undefined);
  await registry.put({ tenant: 'acme', kind: 'source', id: 'edr' }, { name: 'edr', format: 'json', lane: 'bulk', createdMs: 1 });
  await registry.put(
    { tenant: 'acme', kind: 'source', id: 'old' },
    { name: 'old', format: 'json', lane: 'live', createdMs: 1, revokedMs: 2 },
  );
  await give('admin', {});
  await give('revoked', { revokedMs: 5 });
  await give('expired', { expiresMs: NOW });
  await give('lasting', { expiresMs: NOW + 1 });
  await give('producer', { roles: ['producer'], source: 'edr' });
  await give('producer of a revoked source', { roles: ['producer'], source: 'old' });
  await give('producer of no source', { roles: ['producer'], source: 'gone' });
  await give('producer elsewhere', { roles: ['producer'], source: 'edr' }, 'globex');
  await give('viewer with a source', { roles: ['viewer'], source: 'edr' });
});

async function codeOf(promise: Promise<unknown>): Promise<ErrorCode | 'fine'> {
  return promise.then(
    () => 'fine' as const,
    (error: unknown) => {
      if (isTocsinError(error)) return error.code;
      throw error;
    },
  );
}

describe('authenticate', () => {
  it.each([
    [undefined, 'auth.missing'],
    ['', 'auth.missing'],
    ['Bearer', 'auth.refused'],
    ['Bearer ', 'auth.refused'],
    ['Basic dXNlcjpwYXNz', 'auth.refused'],
    ['Bearer tocsin_person_short', 'auth.refused'],
    [`Bearer tocsin_person_${'A'.repeat(43)}`, 'auth.refused'],
    [`Bearer ${'A'.repeat(100_000)}`, 'auth.refused'],
    ['Bearer constructor', 'auth.refused'],
  ])('refuses %s', async (authorization, code) => {
    expect(await codeOf(createAuthenticate(registry, clock)({ authorization }))).toBe(code);
  });

  it.each([
    ['admin', 'fine'],
    ['lasting', 'fine'],
    ['producer', 'fine'],
    ['revoked', 'auth.refused'],
    ['expired', 'auth.refused'],
  ])('judges the credential %s', async (name, code) => {
    expect(await codeOf(createAuthenticate(registry, clock)({ authorization: `Bearer ${tokens[name]}` }))).toBe(code);
  });

  it('takes the scheme in any case and nothing around the token', () => {
    const token = createToken('person');
    expect(readBearer(`bEARER ${token}`)).toBe(token);
    for (const header of [` Bearer ${token}`, `Bearer  ${token}`, `Bearer ${token} `, `Bearer ${token},x`, `Bearer ${token}\n`]) {
      expect(readBearer(header)).toBeUndefined();
    }
  });

  it('gives the tenant and the actor of the credential', async () => {
    const principal = await createAuthenticate(registry, clock)({ authorization: `Bearer ${tokens['producer elsewhere']}` });
    expect(principal).toMatchObject({ tenant: 'globex', actor: 'producer elsewhere', source: 'edr', roles: ['producer'] });
    expect(principal.credentialId).toHaveLength(12);
  });
});

describe('authenticate at the events door', () => {
  it.each([
    ['producer', 'fine'],
    ['admin', 'auth.forbidden'],
    ['viewer with a source', 'auth.forbidden'],
    ['producer of a revoked source', 'auth.refused'],
    ['producer of no source', 'auth.forbidden'],
    // The source edr is another tenant's.
    ['producer elsewhere', 'auth.forbidden'],
  ])('judges %s', async (name, code) => {
    const door = createAuthenticateSource(createAuthenticate(registry, clock), new SourceBook({ registry, clock }));
    expect(await codeOf(door({ authorization: `Bearer ${tokens[name]}` }))).toBe(code);
  });

  it('takes format and lane from the registered source', async () => {
    const door = createAuthenticateSource(createAuthenticate(registry, clock), new SourceBook({ registry, clock }));
    const { source } = await door({ authorization: `Bearer ${tokens['producer']}` });
    expect(source).toEqual({
      tenant: 'acme',
      name: 'edr',
      format: 'json',
      lane: 'bulk',
      shard: '',
      credential: hashToken(tokens['producer'] ?? ''),
    });
  });
});

describe('bearer token', () => {
  it('has 256 random bits, is never made twice, and is kept as a hash', () => {
    const made = new Set(Array.from({ length: 1000 }, () => createToken('source')));
    expect(made.size).toBe(1000);
    const token = createToken('source', (bytes) => Buffer.alloc(bytes, 7));
    expect(Buffer.from(token.split('_')[2] ?? '', 'base64url')).toHaveLength(32);
    expect(hashToken(token)).toMatch(/^[0-9a-f]{64}$/);
    expect(hashToken(token)).not.toContain(token.slice(-20));
  });
});

describe('roles', () => {
  it('let a producer send and nothing else, and a viewer change nothing', () => {
    const who = (roles: Parameters<typeof mayDo>[0]['roles']): Parameters<typeof mayDo>[0] => ({
      tenant: 't',
      actor: 'a',
      roles,
      credentialId: 'c',
    });
    const actions = [
      'events.write',
      'events.read',
      'alerts.read',
      'alerts.write',
      'rules.read',
      'rules.write',
      'sources.read',
      'sources.write',
      'audit.read',
      'status.read',
    ] as const;
    const granted = (...roles: Parameters<typeof mayDo>[0]['roles']): string[] => actions.filter((action) => mayDo(who(roles), action));
    expect(granted('producer')).toEqual(['events.write']);
    expect(granted('viewer').filter((action) => action.endsWith('write'))).toEqual([]);
    expect(granted('analyst').filter((action) => action.endsWith('write'))).toEqual(['alerts.write']);
    expect(granted('admin')).not.toContain('events.write');
    expect(granted()).toEqual([]);
  });
});
