/** `syslog`: lines decoded in one thread; then sent over TCP to the door alone and to the whole product until all are durable. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { decoders, defaultDecodeLimits } from '@tocsin/ingest';
import { root } from '../clone.ts';
import { type Bench, type BenchContext, type Figure, requireEqual } from '../figure.ts';
import { mainThreadSeconds, usageOf } from '../processes.ts';
import type { Product } from '../product.ts';
import { syslogLine } from '../syslog-lines.ts';
import { start } from './ingest.ts';

const DECODED = 2_000_000;
const WARM = 100_000;
const SENT = 400_000;
const CONNECTIONS = 4;
const WITHIN_MS = 60_000;
/** Asking costs the product something: seldom. */
const POLL_MS = 100;

/** The bench. */
export const syslog: Bench = {
  about: 'syslog lines decoded; sent over TCP and acknowledged durable, by the door alone and by the product',
  run: async (context) => [
    decodeFigure(context),
    await sendFigure(context, { only: 'door', framing: 'counted' }),
    await sendFigure(context, { only: 'door', framing: 'lines' }),
    await sendFigure(context, { only: undefined, framing: 'counted' }),
  ],
};

function decodeFigure({ progress }: BenchContext): Figure {
  progress('syslog: decoding');
  const lines = Array.from({ length: 10_000 }, (_, i) => Buffer.from(syslogLine(i)));
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

/** What is sent how, to what. */
interface Sending {
  readonly only: 'door' | undefined;
  readonly framing: 'counted' | 'lines';
}

async function sendFigure(context: BenchContext, { only, framing }: Sending): Promise<Figure> {
  const figure = `syslog over TCP, ${framing === 'lines' ? 'lines' : 'octets counted'}, ${only === 'door' ? 'door alone' : 'all duties'}, to durable`;
  const listener = { port: 0, sources: { local: { source: 'bench', peers: ['127.0.0.1'] } } };
  await using product = await start(context, only, { syslog: { bench: listener } });
  await product.call('POST', '/sources', { name: 'bench', format: 'syslog' });
  const port = Number(new URL((await product.listener()).address).port);
  context.progress(`${figure}: warming`);
  await send(product, { port, framing, lines: WARM, before: 0 });
  context.progress(`${figure}: sending`);
  const before = { all: usageOf(product.pid).cpuSeconds, main: mainThreadSeconds(product.pid) };
  const { seconds, cpuSeconds } = await send(product, { port, framing, lines: SENT, before: WARM });
  const perEvent = (used: number): number => Number(((used / SENT) * 1e6).toFixed(1));
  return {
    figure,
    value: SENT / seconds,
    unit: 'events/s',
    goal: { atLeast: 150_000 },
    conditions: {
      connections: CONNECTIONS,
      sources: 1,
      loop: 'as fast as it is read',
      product_cpu_us_per_event: perEvent(usageOf(product.pid).cpuSeconds - before.all),
      main_thread_us_per_event: perEvent(mainThreadSeconds(product.pid) - before.main),
      sender_us_per_event: perEvent(cpuSeconds),
    },
  };
}

/** Sends lines and waits until all are durable. Seconds from the first byte. */
async function send(
  product: Product,
  { port, framing, lines, before }: { port: number; framing: string; lines: number; before: number },
): Promise<{ seconds: number; cpuSeconds: number }> {
  const script = join(root, 'bench', 'send-syslog.ts');
  const child = spawn(process.execPath, [script, ...[port, CONNECTIONS, lines / CONNECTIONS].map(String), framing], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'readable');
  child.stdout.read();
  const said = text(child.stdout);
  const begunMs = performance.now();
  child.stdin.end('go');
  let stored = 0;
  while (stored < before + lines && performance.now() - begunMs < WITHIN_MS) {
    await pause(POLL_MS);
    stored = (await product.listener()).stored;
  }
  const seconds = (performance.now() - begunMs) / 1000;
  requireEqual('syslog lines stored', before + lines, stored);
  return { seconds, cpuSeconds: (JSON.parse(await said) as { cpuSeconds: number }).cpuSeconds };
}
