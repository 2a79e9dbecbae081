/** The set-up lock between real processes: never two inside, whatever dead holders left behind. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';

const root = mkdtempSync(join(tmpdir(), 'tocsin lock-'));
const lock = join(root, '.tocsin', 'set-up.lock');
afterEach(() => rmSync(root, { recursive: true, force: true }));

const WORKER = `
import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { withSetUpLock } from './scripts/launch/set-up-lock.mjs';
await withSetUpLock(async () => {
  appendFileSync('log', 'in\\n');
  await wait(30);
  appendFileSync('log', 'out\\n');
});`;

/** Runs the worker in the copied clone; resolves with its exit code. */
function work(): Promise<number | null> {
  const child = spawn(process.execPath, ['worker.mjs'], { cwd: root, stdio: 'inherit' });
  return new Promise((resolve) => child.on('close', resolve));
}

it('lets one in at a time, over the lock of a dead process', async () => {
  cpSync(import.meta.dirname, join(root, 'scripts', 'launch'), { recursive: true });
  writeFileSync(join(root, 'worker.mjs'), WORKER);
  mkdirSync(join(root, '.tocsin'));
  const dead = spawn(process.execPath, ['-e', '0']);
  await new Promise((resolve) => dead.on('close', resolve));
  writeFileSync(lock, JSON.stringify({ pid: dead.pid, host: hostname(), at: 0 }));

  const codes = await Promise.all(Array.from({ length: 8 }, work));

  expect(codes).toEqual(Array(8).fill(0));
  expect(readFileSync(join(root, 'log'), 'utf8')).toBe('in\nout\n'.repeat(8));
  expect(existsSync(lock)).toBe(false);
});
