/** Syslog while the bus is down, as docs/how-to/spool.md says: what was taken in is there once, in order, also when Tocsin itself is killed meanwhile. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { needs } from '../../packages/ingest/test/needs.ts';
import { Program } from '../e2e/program.ts';
import { readInstallation } from '../faults/independent-reader.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { busPid } from '../faults/tocsin-process.ts';
import { waitFor } from '../faults/wait-for.ts';
import { type ListenerRow, statusOf, untilStored } from './listener-status.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/how-to/spool.md'), 'utf8');
const [snippet = ''] = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text);

async function untilExactly(program: Program, count: number): Promise<void> {
  await untilStored(program, count);
  expect((await statusOf(program)).stored).toBe(count);
}

async function openTcp(program: Program): Promise<Socket> {
  const { port } = new URL((await statusOf(program)).listener.address);
  const socket = connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `<13>Nov 21 10:00:00 host app: line ${String(from + i).padStart(6, '0')}\n`).join('');

/** The numbers of the lines, in the order of the log; without those that readers leave out, as their id came before. */
async function orderOf(program: Program): Promise<number[]> {
  const { events } = await readInstallation(program.dataDir);
  const first = new Map(events.map((event) => [event.id, event] as const).reverse());
  return events.filter((event) => first.get(event.id) === event).map(({ record }) => Number(/line (\d{6})/.exec(record)?.[1]));
}

describe('docs/how-to/spool.md', needs(notRunnable()), () => {
  test('the bus stopped while lines flow, Tocsin killed in the middle: all of them, once, in order', async () => {
    await using program = await Program.start({ settings: snippet.replace(/port: \d+/, 'port: 0') });
    await program.addSource('hosts', 'syslog');
    const bus = busPid(program.dataDir) ?? 0;
    let socket = await openTcp(program);
    socket.write(lines(0, 1000));
    await untilExactly(program, 1000);
    process.kill(bus, 'SIGSTOP');
    socket.write(lines(1000, 3000));
    await spooled(program, 2000);
    // Killed, and the server with it: everything that was read from the connection is on the disk.
    process.kill(program.pid, 'SIGKILL');
    process.kill(bus, 'SIGKILL');
    await waitFor(() => (program.isRunning || busPid(program.dataDir) !== undefined ? undefined : true), {
      what: () => 'both to end',
      withinMs: 20_000,
    });
    socket.destroy();
    await program.restart();
    socket = await openTcp(program);
    socket.write(lines(3000, 4000));
    await untilExactly(program, 4000);
    expect(await orderOf(program)).toEqual(Array.from({ length: 4000 }, (_, i) => i));
    socket.destroy();
  });

  test('what waits of a source that is revoked says so, and is given on once it is registered again', async () => {
    await using program = await Program.start({ settings: snippet.replace(/port: \d+/, 'port: 0') });
    await program.addSource('hosts', 'syslog');
    await program.commandLine('quotas', 'set', '--source', 'hosts', '--events', '10', '--burst', '1');
    const socket = await openTcp(program);
    // The first is taken on credit, what follows has to wait.
    socket.write(lines(0, 1000));
    await untilExactly(program, 1000);
    socket.write(lines(1000, 2000));
    let last: ListenerRow | undefined;
    const heldBy = (code: string): Promise<ListenerRow> =>
      waitFor(
        async () => {
          last = (await statusOf(program)).listener;
          return last.records >= 2000 && last.held.some((one) => one.code === code) ? last : undefined;
        },
        { what: () => `${code}: ${JSON.stringify(last)}`, withinMs: 30_000 },
      );
    await heldBy('flow.over_quota');
    await program.commandLine('sources', 'revoke', 'hosts');
    const { waiting, held } = await heldBy('listener.source_unknown');
    expect(held).toMatchObject([{ source: 'default/hosts', records: waiting }]);
    expect(await program.commandLine('status')).toMatch(
      /records of default\/hosts in the spool of syslog\/hosts: .*not registered or was revoked/,
    );
    await program.commandLine('sources', 'add', 'hosts', '--format', 'syslog');
    await program.commandLine('quotas', 'set', '--source', 'hosts', '--reset');
    await untilExactly(program, 2000);
    expect(await orderOf(program)).toEqual(Array.from({ length: 2000 }, (_, i) => i));
    expect((await statusOf(program)).listener).toMatchObject({ held: [], waiting: 0 });
    socket.destroy();
  });

  test('datagrams beyond the spool and the memory are counted exactly', async () => {
    const settings = snippet
      .replace(/port: \d+/, 'port: 0')
      .replace('transport: tcp', 'transport: udp')
      .replace(/spoolMaxBytes: \S+/, 'spoolMaxBytes: 2MB\n      maxInFlightBytes: 1MiB');
    await using program = await Program.start({ settings });
    await program.addSource('hosts', 'syslog');
    const { port } = new URL((await statusOf(program)).listener.address);
    const socket = createSocket('udp4');
    process.kill(busPid(program.dataDir) ?? 0, 'SIGSTOP');
    const SENT = 20_000;
    const sizes = 'x'.repeat(180);
    for (let i = 0; i < SENT; i++) {
      await new Promise<void>((resolve, reject) =>
        socket.send(`<13>app: line ${String(i).padStart(6, '0')} ${sizes}`, Number(port), '127.0.0.1', (error) =>
          error ? reject(error) : resolve(),
        ),
      );
      if (i % 200 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    process.kill(busPid(program.dataDir) ?? 0, 'SIGCONT');
    let last: unknown;
    const settled = await waitFor(
      async () => {
        const { listener } = await statusOf(program);
        last = listener;
        const lost = Object.values(listener.refused).reduce((sum, count) => sum + count, 0);
        return listener.stored + listener.duplicate + lost >= SENT && (listener.waiting ?? 0) === 0 ? { listener, lost } : undefined;
      },
      { what: () => `all of ${SENT}: ${JSON.stringify(last)}`, withinMs: 40_000 },
    );
    expect(settled.lost).toBeGreaterThan(0);
    await untilExactly(program, SENT - settled.lost);
    expect(Object.keys(settled.listener.refused).filter((code) => code !== 'listener.kernel_dropped')).toEqual(['listener.queue_full']);
    socket.close();
  });
});

/** Resolves when so many records lie on disk: looked up there, as nobody answers for a stopped bus. */
async function spooled(program: Program, count: number): Promise<void> {
  const folder = join(program.dataDir, 'listeners/syslog/hosts/spool/default.hosts');
  await waitFor(() => (recordsIn(folder) >= count ? true : undefined), {
    what: () => `${count} records in ${folder}, now ${recordsIn(folder)}`,
    withinMs: 20_000,
  });
}

function recordsIn(folder: string): number {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.spool'))
      .reduce((sum, name) => sum + (readFileSync(join(folder, name), 'latin1').match(/app: line \d{6}/g) ?? []).length, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
