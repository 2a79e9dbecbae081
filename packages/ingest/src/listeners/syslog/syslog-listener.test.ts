import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { readSettings } from '@tocsin/core/setting';
import { describe, test } from 'vitest';
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
  const closed = new Promise<'refused'>((resolve) => socket.once('close', () => resolve('refused')));
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
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

const udpDriver: ListenerDriver = {
  name: 'syslog over UDP',
  acknowledges: false,
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

describe.each([tcpDriver('lines'), tcpDriver('counted'), udpDriver].map((driver) => [driver.name, driver] as const))('%s', (_, driver) => {
  test.each(listenerCases.map((each) => [each.name, each] as const))('%s', (_name, each) => runListenerCase(each, driver));
});
