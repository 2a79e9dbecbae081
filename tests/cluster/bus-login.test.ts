/** Every way to log in to a NATS that others run, against real servers: by token, user, key, credentials file, and over TLS with certificates. */
import { spawnSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BusLogin, type BusTls, lookAtServer, openNatsBus } from '@tocsin/bus/nats';
import { isTocsinError } from '@tocsin/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../packages/ingest/test/needs.ts';
import { missingNatsServer } from '../nats-server-found.ts';
import { NatsCluster } from './nats-cluster.ts';

const missing = missingNatsServer();
const binary = process.env['TOCSIN_NATS_SERVER'] || 'nats-server';
const PREFIX = { operator: 14 << 3, account: 0, user: 20 << 3, seed: 18 << 3 } as const;

/** A key of NATS in its text forms; written here anew, so that the product's own code is not its own judge. */
interface Key {
  readonly private: KeyObject;
  readonly public: string;
  readonly seed: string;
}

function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? []).map((five) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(five.padEnd(5, '0'), 2)]).join('');
}

function withChecksum(bytes: Uint8Array): string {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let i = 0; i < 8; i++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return base32(Buffer.concat([bytes, Buffer.from([crc & 0xff, crc >> 8])]));
}

function createKey(kind: 'operator' | 'account' | 'user'): Key {
  const { privateKey } = generateKeyPairSync('ed25519');
  const raw = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
  const point = createPublicKey(createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' })))
    .export({ format: 'der', type: 'spki' })
    .subarray(-32);
  const prefix = PREFIX[kind];
  const seed = Buffer.concat([Buffer.from([PREFIX.seed | (prefix >> 5), (prefix & 31) << 3]), raw]);
  return { private: privateKey, public: withChecksum(Buffer.concat([Buffer.from([prefix]), point])), seed: withChecksum(seed) };
}

function jwt(claims: object, issuer: Key): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part({ iat: Math.floor(Date.now() / 1000), iss: issuer.public, jti: String(Math.random()), ...claims })}`;
  return `${text}.${sign(null, Buffer.from(text), issuer.private).toString('base64url')}`;
}

/** Server configuration in operator mode, and the credentials file of a user of its account. */
function operatorMode(): { config: string; creds: string } {
  const [operator, account, system, user] = [createKey('operator'), createKey('account'), createKey('account'), createKey('user')];
  const limits = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
  const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const accountJwt = (key: Key, more: object): string =>
    jwt({ sub: key.public, name: 'test', nats: { type: 'account', version: 2, limits: { ...limits, ...more } } }, operator);
  const operatorJwt = jwt(
    { sub: operator.public, name: 'test', nats: { type: 'operator', version: 2, system_account: system.public } },
    operator,
  );
  const userJwt = jwt({ sub: user.public, name: 'tocsin', nats: { type: 'user', version: 2, subs: -1, data: -1, payload: -1 } }, account);
  const preload = `{ ${account.public}: ${accountJwt(account, storage)}, ${system.public}: ${accountJwt(system, {})} }`;
  return {
    config: `operator: ${operatorJwt}\nsystem_account: ${system.public}\nresolver: MEMORY\nresolver_preload: ${preload}`,
    creds: `-----BEGIN NATS USER JWT-----\n${userJwt}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${user.seed}\n------END USER NKEY SEED------\n`,
  };
}

describe('logins of a NATS that others run', needs(missing), () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tocsin-login-'));
  });
  afterAll(() => folder && rmSync(folder, { recursive: true, force: true }));

  /** Stores and reads a message with a login, and is refused without one. */
  async function works(more: string, { login, tls, scheme = 'nats' }: { login: BusLogin; tls?: BusTls; scheme?: string }): Promise<void> {
    await using nats = await NatsCluster.start({ binary, servers: 1, more });
    const servers = nats.urls.map((url) => url.replace('nats:', `${scheme}:`));
    const address = { servers, login, tls, name: 'test' };
    expect((await lookAtServer(address)).version).toMatch(/^2\./);
    await using bus = await openNatsBus({ ...address, site: 'test' });
    const stream = { name: 'S', subjects: ['s.>'], maxAgeMs: 0, maxBytes: -1, maxPerSubject: 0, dedupWindowMs: 60_000 };
    await bus.ensure({ streams: [stream], buckets: [] });
    await bus.commit([{ subject: 's.a', id: '1', body: Buffer.from('x') }]);
    expect((await bus.last('s.a'))?.id).toBe('1');
    let refused: unknown;
    try {
      await using other = await openNatsBus({ servers, tls: tls && { ca: tls.ca }, login: {}, site: 'test', name: 'nobody' });
      await other.info('s.>');
    } catch (error) {
      refused = error;
    }
    expect(isTocsinError(refused, 'bus.unavailable')).toBe(true);
  }

  test('token, user and password, user key, credentials file', async () => {
    const user = createKey('user');
    await works('authorization { token: "t0ken" }', { login: { token: 't0ken' } });
    await works('authorization { user: "tocsin", password: "pass word" }', { login: { user: 'tocsin', password: 'pass word' } });
    await works(`authorization { users: [ { nkey: ${user.public} } ] }`, { login: { seed: user.seed } });
    const { config, creds } = operatorMode();
    await works(config, { login: { creds } });
  }, 60_000);

  test('TLS with an authority of its own and a client certificate', async (context) => {
    const openssl = (...args: string[]): void => {
      const { status, stderr, error } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
      if (status !== 0) throw new Error(`openssl ${args[0]}: ${error?.message ?? stderr}`);
    };
    if (spawnSync('openssl', ['version']).status !== 0) context.skip('no openssl to make certificates with');
    writeFileSync(join(folder, 'san.cnf'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    openssl('req', '-x509', ...key, '-days', '2', '-subj', '/CN=test authority', '-keyout', 'ca.key', '-out', 'ca.crt');
    for (const name of ['server', 'client']) {
      openssl('req', ...key, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
      openssl(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        'ca.crt',
        '-CAkey',
        'ca.key',
        '-CAcreateserial',
        '-days',
        '2',
        '-extfile',
        'san.cnf',
        '-out',
        `${name}.crt`,
      );
    }
    const path = (name: string): string => JSON.stringify(join(folder, name));
    const pem = (name: string): string => readFileSync(join(folder, name), 'utf8');
    await works(`tls { cert_file: ${path('server.crt')}, key_file: ${path('server.key')}, ca_file: ${path('ca.crt')}, verify: true }`, {
      login: {},
      tls: { ca: pem('ca.crt'), cert: pem('client.crt'), key: pem('client.key') },
      scheme: 'tls',
    });
  }, 60_000);

  test('a server that cannot be used is refused by name', async () => {
    await using nats = await NatsCluster.start({ binary, servers: 1, more: 'max_payload: 1048576' });
    const said = await lookAtServer({ servers: nats.urls, login: {}, name: 'test' }).then(String, String);
    expect(said).toContain('max_payload');
  });
});
