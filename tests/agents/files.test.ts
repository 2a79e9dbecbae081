/** docs/how-to/files.md with real rotation: the built program is killed and started while a file is written, renamed, copied and emptied. */
import { appendFileSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { needs } from '../../packages/ingest/test/needs.ts';
import { Program } from '../e2e/program.ts';
import { readInstallation } from '../faults/independent-reader.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { waitFor } from '../faults/wait-for.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/how-to/files.md'), 'utf8');
const [first = '', second = ''] = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, body = '']) => body);

interface ListenerRow {
  readonly kind: string;
  readonly name: string;
  readonly stored: number;
}

describe('docs/how-to/files.md', needs(notRunnable()), () => {
  test('lines arrive once through rotation and kill -9', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tocsin-files-'));
    mkdirSync(join(folder, 'app'));
    const log = join(folder, 'app', 'app.log');
    let written = 0;
    const write = (count: number): void =>
      appendFileSync(log, Array.from({ length: count }, () => `${JSON.stringify({ event_type: 'heartbeat', n: written++ })}\n`).join(''));
    write(500);
    await using program = await Program.start({ settings: first.replaceAll('/var/log', folder) });
    await program.addSource('web01', 'auto');
    const kill = async (): Promise<void> => {
      process.kill(program.pid, 'SIGKILL');
      await waitFor(() => (program.isRunning ? undefined : true), { what: () => 'the program to be gone', withinMs: 10_000 });
    };
    /** Ids by the number in the line. */
    const idsOfLines = async (): Promise<Map<number, Set<string>>> => {
      const ids = new Map<number, Set<string>>();
      for (const { id, record } of (await readInstallation(program.dataDir)).events) {
        const { n } = JSON.parse(record) as { n: number };
        ids.set(n, (ids.get(n) ?? new Set()).add(id));
      }
      return ids;
    };
    const stored = (count: number): Promise<true> =>
      waitFor(async () => ((await idsOfLines()).size >= count ? true : undefined), {
        what: () => `${count} lines stored`,
        withinMs: 30_000,
      });
    await stored(500);
    write(300);
    await kill();
    renameSync(log, `${log}.1`);
    write(300);
    await program.restart();
    write(200);
    await stored(1300);
    write(400);
    await kill();
    renameSync(`${log}.1`, `${log}.2`);
    copyFileSync(log, `${log}.1`);
    truncateSync(log, 0);
    write(100);
    await program.restart();
    await stored(1800);
    const ids = await idsOfLines();
    expect([...ids.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: written }, (_, i) => i));
    // What was stored twice around a crash has the same id both times: deduplication knows it.
    expect([...ids].filter(([, each]) => each.size > 1)).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  test('the other settings are taken', async () => {
    await using program = await Program.start({ settings: second });
    const { body } = await program.call<{ listeners: ListenerRow[] }>('GET', '/status');
    expect(body.listeners.filter(({ kind }) => kind === 'files').map(({ name }) => name)).toEqual(['containers', 'audit']);
  });
});
