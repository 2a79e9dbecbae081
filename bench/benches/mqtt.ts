/** `mqtt`: messages at QoS 1 over many connections to the whole product, each waiting for acknowledgements as devices do. */
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type Bench, type BenchContext, type Figure, requireEqual } from '../figure.ts';
import { usageOf } from '../processes.ts';
import { startProduct } from '../product.ts';

const CONNECTIONS = 200;
const EACH = 1000;
/** Messages of one device that wait for their acknowledgement. */
const WINDOW = 32;
const SOURCE = 'bench';

/** The bench. */
export const mqtt: Bench = {
  about: 'MQTT messages at QoS 1 over 200 connections, acknowledged durable by the product',
  run: async (context) => [await publishFigure(context)],
};

async function publishFigure({ folder, natsServer, progress }: BenchContext): Promise<Figure> {
  const dataDir = mkdtempSync(join(folder, 'mqtt-'));
  const settings = `log: { level: error }\nlisteners: { mqtt: { bench: { port: 0, maxConnectionsPerPeer: ${CONNECTIONS} } } }\n`;
  writeFileSync(join(dataDir, 'tocsin.yml'), settings, { mode: 0o600 });
  await using product = await startProduct({ dataDir, natsServer });
  const { token } = await product.call<{ token: string }>('POST', '/sources', { name: SOURCE });
  type Row = { address: string; stored: number };
  const status = async (): Promise<Row | undefined> => (await product.call<{ listeners: Row[] }>('GET', '/status')).listeners[0];
  const port = Number(new URL((await status())?.address ?? '').port);
  progress('mqtt: connecting');
  const devices = await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => connectDevice(port, token, i)));
  progress('mqtt: publishing');
  const cpuBefore = usageOf(product.pid).cpuSeconds;
  const ownBefore = process.cpuUsage();
  const begunMs = performance.now();
  await Promise.all(devices.map((socket, i) => publishAll(socket, i)));
  const seconds = (performance.now() - begunMs) / 1000;
  const own = process.cpuUsage(ownBefore);
  for (const socket of devices) socket.destroy();
  requireEqual('MQTT messages stored', CONNECTIONS * EACH, (await status())?.stored ?? 0);
  return {
    figure: 'MQTT QoS 1, all duties, to PUBACK',
    value: (CONNECTIONS * EACH) / seconds,
    unit: 'events/s',
    goal: { atLeast: 15_000 },
    conditions: {
      connections: CONNECTIONS,
      'in flight each': WINDOW,
      loop: 'closed',
      'product CPU s': Math.round((usageOf(product.pid).cpuSeconds - cpuBefore) * 100) / 100,
      'sender CPU s': Math.round((own.user + own.system) / 1e4) / 100,
    },
  };
}

/** A field with its length before it (section 1.5.4). */
function field(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

function packet(head: number, body: Buffer): Buffer {
  const { length } = body;
  return Buffer.concat([Buffer.from(length < 128 ? [head, length] : [head, (length & 0x7f) | 0x80, length >> 7]), body]);
}

async function connectDevice(port: number, token: string, device: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const flags = Buffer.from([4, 0xc2, 0, 0]);
  socket.write(packet(0x10, Buffer.concat([field('MQTT'), flags, field(`device-${device}`), field(SOURCE), field(token)])));
  const [connack] = (await once(socket, 'data')) as [Buffer];
  requireEqual('CONNACK return code', 0, connack[3] ?? -1);
  return socket;
}

/** A record of a device, about 250 bytes. */
function recordOf(device: number, i: number): string {
  const reading = {
    device: `device-${device}`,
    seq: i,
    level: 'info',
    event: 'login',
    user: `u${i % 97}`,
    src_ip: `10.1.${device % 250}.${i % 250}`,
  };
  return JSON.stringify({
    ...reading,
    message: `user u${i % 97} logged in at the panel of device ${device}, door ${i % 12}, badge accepted`,
  });
}

/** Publishes every message of a device, a window at a time; resolves when all are acknowledged. */
async function publishAll(socket: Socket, device: number): Promise<void> {
  const topic = field(`${SOURCE}/device-${device}/log`);
  let sent = 0;
  let acked = 0;
  const fill = (): void => {
    const parts: Buffer[] = [];
    while (sent < EACH && sent - acked < WINDOW) {
      const id = (sent % 65_535) + 1;
      parts.push(packet(0x32, Buffer.concat([topic, Buffer.from([id >> 8, id & 0xff]), Buffer.from(recordOf(device, sent))])));
      sent += 1;
    }
    if (parts.length > 0) socket.write(Buffer.concat(parts));
  };
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    // A PUBACK of version 3.1.1 has four bytes.
    acked = Math.floor(bytes / 4);
    if (acked === EACH) resolve();
    else fill();
  });
  socket.once('close', () => reject(new Error(`a device was disconnected after ${acked} acknowledgements`)));
  fill();
  await promise;
}
