/** `syslog`: lines decoded in one thread; then sent over TCP to the whole product until all are durable. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { decoders, defaultDecodeLimits } from '@tocsin/ingest';
import { type Bench, type BenchContext, type Figure, requireEqual } from '../figure.ts';
import { usageOf } from '../processes.ts';
import { startProduct } from '../product.ts';

const DECODED = 2_000_000;
const SENT = 400_000;
const CONNECTIONS = 4;
const WITHIN_MS = 60_000;
/** Asking costs the product something: seldom. */
const POLL_MS = 250;

/** The bench. */
export const syslog: Bench = {
  about: 'syslog lines decoded; sent over TCP and acknowledged durable by the product',
  run: async (context) => [decodeFigure(context), await sendFigure(context)],
};

/** RFC 3164 and 5424 of hosts, systemd and a firewall, in turn. */
function lineOf(i: number): string {
  const forms = [
    `<38>Oct 11 22:14:15 web${i % 50} sshd[${i % 9999}]: Failed password for invalid user u${i} from 10.0.${i % 250}.9 port 4242 ssh2`,
    `<165>1 2026-08-24T05:14:15.000003-07:00 192.0.2.1 myproc ${i % 9999} - [a@1 iut="3" x="a"] application event log entry ${i}`,
    `<30>2026-10-11T22:14:15.003+02:00 web${i % 50} systemd[1]: Started Session ${i} of user root.`,
    `<166>Oct 11 2026 22:14:15 asa1 : %ASA-6-302013: Built outbound TCP connection ${i} for outside:203.0.113.9/443`,
  ];
  return forms[i % forms.length] as string;
}

function decodeFigure({ progress }: BenchContext): Figure {
  progress('syslog: decoding');
  const lines = Array.from({ length: 10_000 }, (_, i) => Buffer.from(lineOf(i)));
  const decodeAll = (count: number): number => {
    let accepted = 0;
    for (let i = 0; i < count; i++) {
      const [one] = decoders.syslog.decode(lines[i % lines.length] as Buffer, defaultDecodeLimits);
      if (one !== undefined && 'fields' in one) accepted += 1;
    }
    return accepted;
  };
  decodeAll(200_000);
  const before = process.cpuUsage();
  requireEqual('syslog lines decoded', DECODED, decodeAll(DECODED));
  const { user, system } = process.cpuUsage(before);
  const conditions = {
    lines: '3164, 5424, ISO time, Cisco',
    'bytes per line': Math.round(lines.reduce((sum, each) => sum + each.length, 0) / lines.length),
  };
  return {
    figure: 'syslog, decode',
    value: DECODED / ((user + system) / 1e6),
    unit: 'lines/CPU s',
    goal: { atLeast: 500_000 },
    conditions,
  };
}

async function sendFigure({ folder, natsServer, progress }: BenchContext): Promise<Figure> {
  const dataDir = mkdtempSync(join(folder, 'syslog-'));
  mkdirSync(dataDir, { recursive: true });
  const listener = '{ port: 0, sources: { local: { source: bench, peers: [127.0.0.1] } } }';
  writeFileSync(join(dataDir, 'tocsin.yml'), `log: { level: error }\nlisteners: { syslog: { bench: ${listener} } }\n`, { mode: 0o600 });
  await using product = await startProduct({ dataDir, natsServer });
  await product.call('POST', '/sources', { name: 'bench', format: 'syslog' });
  const status = async (): Promise<{ address: string; stored: number }> =>
    (await product.call<{ listeners: { address: string; stored: number }[] }>('GET', '/status')).listeners[0] ?? { address: '', stored: 0 };
  const port = Number(new URL((await status()).address).port);
  progress('syslog: making lines');
  const each = SENT / CONNECTIONS;
  const streams = Array.from({ length: CONNECTIONS }, (_, c) =>
    Buffer.from(Array.from({ length: each }, (_, i) => `${lineOf(c * each + i)}\n`).join('')),
  );
  progress('syslog: sending');
  const cpuBefore = usageOf(product.pid).cpuSeconds;
  const begunMs = performance.now();
  for (const stream of streams) connect({ port, host: '127.0.0.1' }).end(stream);
  let stored = 0;
  while (stored < SENT && performance.now() - begunMs < WITHIN_MS) {
    await pause(POLL_MS);
    stored = (await status()).stored;
  }
  const seconds = (performance.now() - begunMs) / 1000;
  requireEqual('syslog lines stored', SENT, stored);
  return {
    figure: 'syslog over TCP, all duties, to durable',
    value: SENT / seconds,
    unit: 'events/s',
    goal: { atLeast: 150_000 },
    conditions: {
      connections: CONNECTIONS,
      sources: 1,
      loop: 'open',
      'product CPU s': Math.round((usageOf(product.pid).cpuSeconds - cpuBefore) * 100) / 100,
    },
  };
}
