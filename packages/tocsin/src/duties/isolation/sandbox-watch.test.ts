import { strict as assert } from 'node:assert';
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test, vi } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'tocsin-sandbox-watch-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const IMPORT = `import { watchSandbox } from ${JSON.stringify(new URL('./sandbox-watch.ts', import.meta.url).href)};`;
/** Never comes back from what it does, and says its number before. */
const STUCK = `${IMPORT} watchSandbox(Number(process.argv[2])); setTimeout(() => { process.stdout.write(String(process.pid)); for (;;); }, 50);`;

function written(name: string, script: string): string {
  const path = join(folder, `${name}.mjs`);
  writeFileSync(path, script);
  return path;
}

function run(path: string, ...given: string[]): ChildProcess & { readonly stdout: NodeJS.ReadableStream } {
  const child = spawn(process.execPath, ['--conditions=tocsin-source', path, ...given], { stdio: ['ignore', 'pipe', 'inherit'] });
  return Object.assign(child, { stdout: child.stdout });
}

/** Whether a process runs. One that has ended and that nobody has asked about yet is none. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false; // That is the answer.
  }
}

test('a process that is stuck is killed when nobody ended it in time', { timeout: 20_000 }, async () => {
  const child = run(written('stuck', STUCK), '500');
  const [, signal] = (await once(child, 'exit', { signal: AbortSignal.timeout(15_000) }).finally(() => child.kill('SIGKILL'))) as [
    unknown,
    string,
  ];
  assert.equal(signal, 'SIGKILL');
});

test('a process that is stuck does not outlive the one that started it', { timeout: 30_000 }, async () => {
  const options = JSON.stringify(['--conditions=tocsin-source', written('stuck', STUCK), '600000']);
  const start = `import { spawn } from 'node:child_process'; spawn(process.execPath, ${options}, { stdio: ['ignore', 'inherit', 'inherit'] });`;
  const parent = run(written('parent', start));
  const [told] = (await once(parent.stdout, 'data', { signal: AbortSignal.timeout(15_000) })) as [Buffer];
  const pid = Number(told.toString());
  assert.ok(isThere(pid));
  parent.kill('SIGKILL');
  try {
    await vi.waitFor(() => assert.ok(!isThere(pid), `process ${pid} is there`), { timeout: 10_000, interval: 20 });
  } finally {
    if (isThere(pid)) process.kill(pid, 'SIGKILL');
  }
});

test('what takes steps goes on', { timeout: 20_000 }, async () => {
  const script = `${IMPORT} const { step } = watchSandbox(600); let left = 15;
    const again = () => { step(); if (--left > 0) setTimeout(again, 100); else process.stdout.write('done'); }; again();`;
  const child = run(written('stepping', script));
  assert.deepEqual(await once(child, 'exit', { signal: AbortSignal.timeout(15_000) }), [0, null]);
});

test('the process that judges is watched from its start', { timeout: 20_000 }, async () => {
  const child = fork(new URL('./sandbox-process.ts', import.meta.url), ['500'], { execArgv: ['--conditions=tocsin-source'], env: {} });
  const exit = once(child, 'exit', { signal: AbortSignal.timeout(15_000) });
  assert.deepEqual(await exit.finally(() => child.kill('SIGKILL')), [null, 'SIGKILL']);
});
