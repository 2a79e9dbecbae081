import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { readSettings } from '@tocsin/core/setting';
import { describe, test } from 'vitest';
import { hasOpenssl, TestAuthority } from '../../../test/test-certificates.ts';
import { listenerCases, runListenerCase } from '../contract/listener-cases.ts';
import { CONTRACT_RECORD_BYTES, CONTRACT_SOURCE, type ListenerClient, type ListenerDriver } from '../contract/listener-driver.ts';
import { syslogKind } from './syslog-listener.ts';
import { syslogSettings } from './syslog-settings.ts';

/** Strangers come from another address of loopback. */
const BINDINGS = { local: { source: CONTRACT_SOURCE, peers: ['127.0.0.1'] } };

function settings(more: object): ReturnType<typeof readSettings<typeof syslogSettings>> {
  const limits = { maxMessageBytes: CONTRACT_RECORD_BYTES, maxInFlightBytes: 1 << 20, maxInFlightBytesPerConnection: 1 << 20 };
  return readSettings(syslogSettings, { port: 0, sources: BINDINGS, ...limits, ...more }, { file: 'test' });
}

function tcpDriver(framing: 'lines' | 'counted'): ListenerDriver {
  return {
    name: `syslog over TCP, ${framing}`,
    acknowledges: false,
    spools: true,
    mayDrop: false,
    keepsIds: true,
    async open(context) {
      const listener = await syslogKind.open(settings({ transport: 'tcp' }), context);
      return {
        listener,
        connect: async (as) => tcpClient(portOf(listener.address), as === 'known' ? '127.0.0.1' : '127.0.0.2', framing),
        [Symbol.asyncDispose]: async () => undefined,
      };
    },
  };
}

async function tcpClient(port: number, localAddress: string, framing: 'lines' | 'counted'): Promise<ListenerClient> {
  const socket = connect({ host: '127.0.0.1', port, localAddress });
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  return clientOn(socket, framing);
}

function clientOn(socket: Socket, framing: 'lines' | 'counted'): ListenerClient {
  const closed = new Promise<'refused'>((resolve) => socket.once('close', () => resolve('refused')));
  const write = (bytes: string): Promise<'written' | 'refused'> =>
    Promise.race([
      closed,
      new Promise<'written'>((resolve) => (socket.write(bytes) ? resolve('written') : socket.once('drain', () => resolve('written')))),
    ]);
  return {
    send: (texts) => write(texts.map((text) => framed(`<13>1 - - - - - - |${text}`, framing)).join('')),
    sendGarbage: async () => void (await write(framing === 'lines' ? '\0\xff\x01garbage\n' : '99999999999 <13>x\x00garbage12345 ')),
    async [Symbol.asyncDispose]() {
      socket.end();
      await closed;
    },
  };
}

function framed(message: string, framing: 'lines' | 'counted'): string {
  return framing === 'lines' ? `${message}\n` : `${Buffer.byteLength(message)} ${message}`;
}

/** Strangers have no certificate. */
const tlsDriver: ListenerDriver = {
  name: 'syslog over TLS',
  acknowledges: false,
  spools: true,
  mayDrop: false,
  keepsIds: true,
  async open(context) {
    const folder = mkdtempSync(join(tmpdir(), 'tocsin-syslog-contract-'));
    const authority = new TestAuthority(folder);
    const server = authority.sign({ name: 'server', subject: '/CN=tocsin.example', names: 'DNS:tocsin.example' });
    const known = authority.sign({ name: 'known', subject: '/CN=known', names: 'DNS:known.example' });
    const sources = { local: { source: CONTRACT_SOURCE, clients: ['dns:known.example'] } };
    const tls = { cert: server.cert, key: server.key, ca: authority.cert };
    const listener = await syslogKind.open(settings({ transport: 'tls', tls, sources }), context);
    return {
      listener,
      async connect(as) {
        const own = as === 'known' ? { cert: readFileSync(known.cert), key: readFileSync(known.key) } : {};
        const to = { host: '127.0.0.1', port: portOf(listener.address), servername: 'tocsin.example' };
        const socket = connectTls({ ...to, ca: readFileSync(authority.cert), ...own });
        socket.on('error', () => socket.destroy());
        await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]);
        return clientOn(socket.resume(), 'counted');
      },
      [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true, force: true }),
    };
  },
};

const udpDriver: ListenerDriver = {
  name: 'syslog over UDP',
  acknowledges: false,
  spools: true,
  mayDrop: true,
  keepsIds: true,
  async open(context) {
    const listener = await syslogKind.open(settings({ transport: 'udp' }), context);
    return {
      listener,
      connect: (as) => udpClient(portOf(listener.address), as === 'known' ? '127.0.0.1' : '127.0.0.2'),
      [Symbol.asyncDispose]: async () => undefined,
    };
  },
};

async function udpClient(port: number, address: string): Promise<ListenerClient> {
  const socket = createSocket('udp4');
  socket.bind({ address });
  await once(socket, 'listening');
  const send = (bytes: Buffer): Promise<void> =>
    new Promise((resolve, reject) => socket.send(bytes, port, '127.0.0.1', (error) => (error ? reject(error) : resolve())));
  return {
    async send(texts) {
      for (const text of texts) await send(Buffer.from(`<13>1 - - - - - - |${text}`));
      return 'written';
    },
    sendGarbage: () => send(Buffer.from([0, 255, 1, 0])),
    async [Symbol.asyncDispose]() {
      socket.close();
    },
  };
}

function portOf(address: string): number {
  return Number(new URL(address).port);
}

const drivers = [tcpDriver('lines'), tcpDriver('counted'), udpDriver, ...(hasOpenssl() ? [tlsDriver] : [])];

describe.each(drivers.map((driver) => [driver.name, driver] as const))('%s', (_, driver) => {
  test.each(listenerCases.map((each) => [each.name, each] as const))('%s', (_name, each) => runListenerCase(each, driver));
});
