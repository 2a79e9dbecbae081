import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test, vi } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'tocsin-sandbox-watch-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const IMPORT = `import { watchSandbox } from ${JSON.stringify(new URL('./sandbox-watch.ts', import.meta.url).href)};`;
/** Never comes back from what it does, and says its number before. */
const STUCK = `${IMPORT} watchSandbox(Number(process.argv[2])); setTimeout(() => { process.stdout.write(String(process.pid)); for (;;); }, 50);`;

function run(name: string, script: string, ...given: string[]): ChildProcess & { readonly stdout: NodeJS.ReadableStream } {
  const path = join(folder, `${name}.mjs`);
  writeFileSync(path, script);
  const child = spawn(process.execPath, ['--conditions=tocsin-source', path, ...given], { stdio: ['ignore', 'pipe', 'inherit'] });
  return Object.assign(child, { stdout: child.stdout });
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // That is the answer.
  }
}

test('a process that is stuck is killed when nobody ended it in time', { timeout: 20_000 }, async () => {
  const child = run('stuck', STUCK, '500');
  const [, signal] = (await once(child, 'exit', { signal: AbortSignal.timeout(15_000) }).finally(() => child.kill('SIGKILL'))) as [
    unknown,
    string,
  ];
  assert.equal(signal, 'SIGKILL');
});

test('a process that is stuck does not outlive the one that started it', { timeout: 30_000 }, async () => {
  run('stuck-long', STUCK, '1').kill('SIGKILL');
  const options = JSON.stringify(['--conditions=tocsin-source', join(folder, 'stuck-long.mjs'), '600000']);
  const start = `import { spawn } from 'node:child_process'; spawn(process.execPath, ${options}, { stdio: ['ignore', 'inherit', 'inherit'] });`;
  const parent = run('parent', start);
  const [told] = (await once(parent.stdout, 'data', { signal: AbortSignal.timeout(15_000) })) as [Buffer];
  const pid = Number(told.toString());
  assert.ok(isThere(pid));
  parent.kill('SIGKILL');
  await vi.waitFor(() => assert.ok(!isThere(pid), `process ${pid} is there`), { timeout: 10_000, interval: 20 });
});

test('what takes steps goes on', { timeout: 20_000 }, async () => {
  const script = `${IMPORT} const { step } = watchSandbox(600); let left = 15;
    const again = () => { step(); if (--left > 0) setTimeout(again, 100); else process.stdout.write('done'); }; again();`;
  const child = run('stepping', script);
  assert.deepEqual(await once(child, 'exit', { signal: AbortSignal.timeout(15_000) }), [0, null]);
});
