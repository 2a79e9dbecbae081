/** Importing by hand and by a drop folder with the running program, as docs/how-to/files.md says: each record once, whatever is killed. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../packages/ingest/test/needs.ts';
import { Program } from '../e2e/program.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { builtProgram } from '../faults/tocsin-process.ts';
import { waitFor } from '../faults/wait-for.ts';

interface Summary {
  readonly events: number;
  readonly acked: number;
  readonly duplicates: number;
}

const page = readFileSync(join(import.meta.dirname, '../../docs/how-to/files.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...page.matchAll(/^```(\S+)\n([\s\S]*?)^```$/gm)].filter(([, name]) => name === language).map(([, , body = '']) => body);

const line = (i: number): string => `{"n":${i},"user":"user ${i}","note":"${'x'.repeat(60)}"}\n`;
const lines = (from: number, to: number): string => Array.from({ length: to - from }, (_, i) => line(from + i)).join('');

describe('importing', needs(notRunnable()), () => {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-import-'));
  const spool = join(folder, 'spool');
  let program: Program;
  beforeAll(async () => {
    mkdirSync(spool);
    const drop = blocks('yaml').find((block) => block.includes('drop:')) ?? '';
    program = await Program.start({ settings: drop.replace('/var/spool/tocsin', spool) });
    await program.addSource('web01', 'auto');
  });
  afterAll(async () => {
    await program?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const importing = async (...args: string[]): Promise<Summary> =>
    JSON.parse(await program.commandLine('import', '--json', ...args)) as Summary;
  async function stored(): Promise<number> {
    const { events } = (await program.call<{ events: { stored: number; duplicates: number } }>('GET', '/status')).body;
    return events.stored - events.duplicates;
  }
  const untilStored = (count: number): Promise<unknown> =>
    waitFor(async () => ((await stored()) >= count ? true : undefined), {
      what: () => `${count} events; ${program.stderr.slice(-800)}`,
      withinMs: 40_000,
    });

  test('the page: its commands print what it says', async () => {
    const app = join(folder, 'app.log.2.gz');
    writeFileSync(app, gzipSync(lines(0, 3)));
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'tocsin'), `#!/bin/sh\nexec "${process.execPath}" "${builtProgram}" "$@" --data "${program.dataDir}"\n`, {
      mode: 0o755,
    });
    const exported = `__CURSOR=s=1;i=1\n__REALTIME_TIMESTAMP=1761000000000000\n_HOSTNAME=web1\nSYSLOG_IDENTIFIER=sshd\nMESSAGE=Failed password for root from 203.0.113.9 port 22 ssh2\n\n`;
    writeFileSync(join(bin, 'journalctl'), `#!/bin/sh\nprintf '%s\\n\\n' '${exported.trimEnd()}'\n`, { mode: 0o755 });
    const run = async (shell: string): Promise<string> => {
      const script = shell.replaceAll('/var/log/app/app.log.2.gz', app);
      return (await promisify(execFile)('sh', ['-euc', script], { env: { ...process.env, PATH: `${bin}:${process.env['PATH']}` } })).stdout;
    };
    const shells = blocks('sh').filter((shell) => shell.includes('tocsin import'));
    const wants = blocks('text');
    expect(shells.length).toBe(3);
    for (const [i, want] of wants.entries()) expect(await run(shells[i] ?? '')).toContain(want.trim());
    expect(await run(shells[2] ?? '')).toMatch(/^1 event sent, 1 acknowledged/);
  });

  test('what was imported brings nothing again, under any name and packing; what has grown brings what is new', async () => {
    const path = join(folder, 'a.ndjson');
    writeFileSync(path, lines(1000, 4000));
    const before = await stored();
    expect(await importing('--source', 'archive2', path)).toMatchObject({ events: 3000, duplicates: 0 });
    mkdirSync(join(folder, 'more'));
    writeFileSync(join(folder, 'more', 'b.zst'), zstdCompressSync(Buffer.from(lines(1000, 4000))));
    expect(await importing('--source', 'archive2', join(folder, 'more'))).toMatchObject({ events: 3000, duplicates: 3000 });
    writeFileSync(path, lines(4000, 4500), { flag: 'a' });
    expect(await importing('--source', 'archive2', path)).toMatchObject({ events: 3500, duplicates: 3000 });
    writeFileSync(join(folder, 'rows.csv'), `time,user,action\n${Array.from({ length: 20 }, (_, i) => `${i},u${i},login\n`).join('')}`);
    expect(await importing('--source', 'archive2', join(folder, 'rows.csv'))).toMatchObject({ events: 20, duplicates: 0 });
    writeFileSync(join(folder, 'rows.csv'), '20,u20,login\n', { flag: 'a' });
    expect(await importing('--source', 'archive2', join(folder, 'rows.csv'))).toMatchObject({ events: 21, duplicates: 20 });
    await untilStored(before + 3500 + 21);
    expect(await stored()).toBe(before + 3521);
  });

  test('an import that is killed goes on where it was', async () => {
    const path = join(folder, 'big.ndjson');
    writeFileSync(path, lines(0, 60_000));
    const before = await stored();
    const args = [builtProgram, 'import', '--json', '--source', 'archive3', path, '--data', program.dataDir];
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    const book = join(program.dataDir, 'imports', 'archive3.json');
    await waitFor(() => (existsSync(book) ? true : undefined), { what: () => 'the book to be written', withinMs: 20_000 });
    child.kill('SIGKILL');
    await once(child, 'close');
    const { events, duplicates } = await importing('--source', 'archive3', path);
    expect(events).toBe(60_000);
    expect(duplicates).toBeGreaterThan(0);
    await untilStored(before + 60_000);
    expect(await stored()).toBe(before + 60_000);
  });

  test('a drop folder with the program killed in the middle: every record once, the file in done', async () => {
    const before = await stored();
    const put = (name: string, bytes: Uint8Array | string): void => {
      writeFileSync(join(folder, name), bytes);
      renameSync(join(folder, name), join(spool, name));
    };
    put('big.gz', gzipSync(lines(100_000, 160_000)));
    put('broken.gz', gzipSync(lines(0, 1000)).subarray(0, 500));
    await untilStored(before + 4000);
    process.kill(program.pid, 'SIGKILL');
    await waitFor(() => (program.isRunning ? undefined : true), { what: () => 'its end', withinMs: 10_000 });
    await program.restart();
    await waitFor(() => (readdirSync(join(spool, 'done')).includes('big.gz') ? true : undefined), {
      what: () => program.stderr.slice(-800),
      withinMs: 40_000,
    });
    await waitFor(() => (readdirSync(join(spool, 'rejected')).includes('broken.gz') ? true : undefined), {
      what: () => program.stderr.slice(-800),
      withinMs: 20_000,
    });
    const ofBroken = Number(/; (\d+) records/.exec(readFileSync(join(spool, 'rejected', 'broken.gz.reason'), 'utf8'))?.[1]);
    await untilStored(before + 60_000);
    expect(await stored()).toBeLessThanOrEqual(before + 60_000 + ofBroken);
    expect(await stored()).toBeGreaterThanOrEqual(before + 60_000);
  });
});
