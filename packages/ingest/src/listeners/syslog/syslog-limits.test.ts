import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { readSettings } from '@tocsin/core/setting';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs, unlessFound } from '../../../test/needs.ts';
import { type CertificatePaths, type CertificateWish, hasOpenssl, TestAuthority } from '../../../test/test-certificates.ts';
import { ContractIntake, eventually } from '../contract/contract-intake.ts';
import { CONTRACT_SOURCE } from '../contract/listener-driver.ts';
import type { Listener } from '../listener.ts';
import { createTlsRenewal } from '../tls-settings.ts';
import { syslogKind } from './syslog-listener.ts';
import { syslogSettings } from './syslog-settings.ts';

const LOCAL = { local: { source: CONTRACT_SOURCE, peers: ['127.0.0.1'] } };

function open(intake: ContractIntake, more: object): Promise<Listener> {
  return syslogKind.open(readSettings(syslogSettings, { port: 0, sources: LOCAL, ...more }, { file: 'test' }), intake.context('/nowhere'));
}

async function dial(listener: Listener): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(listener.address).port) });
  socket.on('error', () => socket.destroy());
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
  return socket.resume();
}

test('two thousand idle connections hold up nobody, and are counted while they are there', async () => {
  const intake = new ContractIntake();
  await using listener = await open(intake, { maxConnectionsPerPeer: 4096 });
  const idle = await Promise.all(Array.from({ length: 2000 }, () => dial(listener)));
  await eventually(
    () => intake.counts.connections === 2000,
    () => `2000 connections, not ${intake.counts.connections}`,
  );
  const sender = await dial(listener);
  sender.write('<13>good\n');
  await eventually(
    () => intake.stored.length === 1,
    () => 'the good line stored',
  );
  for (const socket of [...idle, sender]) socket.destroy();
  await eventually(
    () => intake.counts.connections === 0,
    () => 'no connections left',
  );
});

test('beyond the limits connections are closed and counted: per peer and in all', async () => {
  const intake = new ContractIntake();
  await using listener = await open(intake, { maxConnectionsPerPeer: 3 });
  const sockets = await Promise.all(Array.from({ length: 5 }, () => dial(listener)));
  await eventually(
    () => intake.counts.refused.get('listener.too_many_connections') === 2,
    () => '2 refused',
  );
  expect(intake.counts.connections).toBe(3);
  for (const socket of sockets) socket.destroy();
});

test('a sender that dribbles a message is closed; one that is done with its messages is not', async () => {
  const intake = new ContractIntake();
  await using listener = await open(intake, { stallTimeout: '300ms' });
  const [slow, done] = [await dial(listener), await dial(listener)];
  done.write('<13>whole\n');
  const dribble = setInterval(() => slow.write('x'), 50);
  await once(slow, 'close');
  clearInterval(dribble);
  await delay(400);
  expect(done.destroyed).toBe(false);
  expect(Object.fromEntries(intake.counts.refused)).toEqual({ 'listener.stalled': 1 });
  done.destroy();
});

test('a connection on which nothing comes is closed after the idle timeout', async () => {
  const intake = new ContractIntake();
  await using listener = await open(intake, { idleTimeout: '200ms' });
  await once(await dial(listener), 'close');
  expect(Object.fromEntries(intake.counts.refused)).toEqual({ 'listener.idle': 1 });
});

test('a source that is revoked meanwhile stores nothing more, and its connection is closed', async () => {
  const intake = new ContractIntake();
  const context = intake.context('/nowhere');
  let isRevoked = false;
  const given = readSettings(syslogSettings, { port: 0, sources: LOCAL }, { file: 'test' });
  await using listener = await syslogKind.open(given, {
    ...context,
    boundSource: (name) => context.boundSource(isRevoked ? 'gone' : name),
  });
  const socket = await dial(listener);
  socket.write('<13>before\n');
  await eventually(
    () => intake.stored.length === 1,
    () => 'the first line',
  );
  isRevoked = true;
  socket.write('<13>after\n');
  await once(socket, 'close');
  expect(intake.stored).toEqual(['<13>before']);
  expect(Object.fromEntries(intake.counts.refused)).toEqual({ 'listener.source_unknown': 1 });
});

test('a source that is revoked loses its connection though it says nothing', async () => {
  const intake = new ContractIntake();
  const context = intake.context('/nowhere');
  let isRevoked = false;
  const given = readSettings(syslogSettings, { port: 0, sources: LOCAL }, { file: 'test' });
  await using listener = await syslogKind.open(given, {
    ...context,
    boundSource: (name) => context.boundSource(isRevoked ? 'gone' : name),
  });
  const socket = await dial(listener);
  isRevoked = true;
  await once(socket, 'close');
  expect(Object.fromEntries(intake.counts.refused)).toEqual({ 'listener.source_unknown': 1 });
});

test.each([
  ['no sources', { sources: {} }],
  ['no range', { sources: { a: { source: 's', peers: ['10.0.0.0/33'] } } }],
  ['no address', { sources: { a: { source: 's', peers: ['fw1.example'] } } }],
  ['one range for two', { sources: { a: { source: 's', peers: ['10.0.0.0/8'] }, b: { source: 't', peers: ['10.1.0.0/8'] } } }],
  ['a certificate that is not there', { transport: 'tls', tls: { cert: '/nowhere/a', key: '/nowhere/b' } }],
])('%s: it is not opened, and says why', async (_, more) => {
  await expect(open(new ContractIntake(), more)).rejects.toMatchObject({ code: 'listener.cannot_open' });
});

describe('client certificates', needs(unlessFound(hasOpenssl(), 'needs openssl to make certificates')), () => {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-syslog-tls-'));
  let authority: TestAuthority;
  let stranger: TestAuthority;
  let server: CertificatePaths;
  beforeAll(() => {
    authority = new TestAuthority(folder);
    stranger = new TestAuthority(folder, 'stranger');
    server = authority.sign({ name: 'server', subject: '/CN=tocsin.example', names: 'DNS:tocsin.example' });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Whether a line of a client with this certificate is stored, and else what was counted. */
  async function send(client: CertificatePaths | undefined, clients: readonly string[]): Promise<string> {
    const intake = new ContractIntake();
    const tls = { cert: server.cert, key: server.key, ca: authority.cert };
    await using listener = await open(intake, { transport: 'tls', tls, sources: { a: { source: CONTRACT_SOURCE, clients } } });
    const own = client && { cert: readFileSync(client.cert), key: readFileSync(client.key) };
    const to = { host: '127.0.0.1', port: Number(new URL(listener.address).port), servername: 'tocsin.example' };
    const socket = connectTls({ ...to, ca: readFileSync(authority.cert), ...own });
    socket.on('error', () => socket.destroy());
    socket.write('<13>line\n');
    socket.resume();
    await eventually(
      () => intake.stored.length > 0 || intake.counts.refused.size > 0,
      () => 'the line stored or refused',
    );
    socket.destroy();
    return intake.stored.length > 0 ? 'stored' : [...intake.counts.refused.keys()].join();
  }

  const wish = (name: string, subject: string, names?: string, days?: number): CertificateWish => ({ name, subject, names, days });

  test.each<[string, CertificateWish, readonly string[], string]>([
    ['its only DNS name', wish('a', '/CN=x', 'DNS:fw1.example'), ['dns:FW1.example'], 'stored'],
    ['its common name', wish('b', '/CN=fw1'), ['cn:fw1'], 'stored'],
    ['another DNS name', wish('c', '/CN=fw1.example', 'DNS:fw2.example'), ['dns:fw1.example'], 'listener.peer_unbound'],
    ['a common name is no DNS name', wish('d', '/CN=fw1.example'), ['dns:fw1.example'], 'listener.peer_unbound'],
    ['two DNS names', wish('e', '/CN=x', 'DNS:fw1.example,DNS:fw2.example'), ['dns:fw1.example'], 'listener.peer_unbound'],
    ['a name that only begins so', wish('f', '/CN=x', 'DNS:fw1.example.evil'), ['dns:fw1.example'], 'listener.peer_unbound'],
    ['a name that has expired', wish('g', '/CN=fw1', 'DNS:fw1.example', -1), ['dns:fw1.example', 'cn:fw1'], 'listener.peer_unbound'],
  ])('%s', async (_, certificate, clients, expected) => {
    expect(await send(authority.sign(certificate), clients)).toBe(expected);
  });

  test('no certificate, or one of an authority that is not trusted, opens nothing', async () => {
    expect(await send(undefined, ['cn:fw1'])).toBe('listener.peer_unbound');
    const forged = stranger.sign({ name: 'forged', subject: '/CN=fw1', names: 'DNS:fw1.example' });
    expect(await send(forged, ['cn:fw1', 'dns:fw1.example'])).toBe('listener.peer_unbound');
  });

  test('certificates that are replaced are used for connections to come; those that cannot be are left aside', async () => {
    const used = { cert: join(folder, 'used.crt'), key: join(folder, 'used.key') };
    const replace = (by: CertificatePaths): void => {
      copyFileSync(by.cert, used.cert);
      copyFileSync(by.key, used.key);
    };
    replace(server);
    const renew = createTlsRenewal({ ...used, ca: authority.cert }, { name: 'syslog/test', address: 'tls' });
    expect(await renew()).toBeUndefined();
    expect(await renew()).toBeUndefined();
    const next = authority.sign({ name: 'next', subject: '/CN=tocsin.example', names: 'DNS:tocsin.example' });
    replace(next);
    expect((await renew())?.cert).toEqual(readFileSync(next.cert));
    writeFileSync(used.key, 'half a key');
    await expect(renew()).rejects.toMatchObject({ code: 'listener.cannot_open' });
  });

  test('a fingerprint opens without an authority', async () => {
    const own = stranger.sign({ name: 'pinned', subject: '/CN=anything' });
    const { X509Certificate } = await import('node:crypto');
    const { fingerprint256 } = new X509Certificate(readFileSync(own.cert));
    expect(await send(own, [`sha256:${fingerprint256}`])).toBe('stored');
    expect(await send(own, [`sha256:${'00:'.repeat(31)}00`])).toBe('listener.peer_unbound');
  });
});
