import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { writeDurably } from './durable-file.ts';
import { makePrivateFolder, readRunFile } from './run-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'tocsin-durable-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('replaces a file as a whole, for its owner alone', async () => {
  const path = join(folder, 'a');
  writeFileSync(path, 'former', { mode: 0o644 });
  await writeDurably(path, 'new');
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['a']);
});

it('leaves the former file where it cannot write', async () => {
  await expect(writeDurably(join(folder, 'nowhere', 'a'), 'new')).rejects.toMatchObject({ code: 'ENOENT' });
});

it('takes half an address, as a loss of power may leave one, for none', async () => {
  writeFileSync(join(folder, 'run.json'), '{"url":"http');
  expect(await readRunFile(folder)).toBeUndefined();
});

it('makes a folder with those above it, and says at once where it cannot', async () => {
  const path = join(folder, 'x', 'y', 'z');
  await makePrivateFolder(path);
  await makePrivateFolder(path);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  await expect(makePrivateFolder('/proc/nope/deep')).rejects.toMatchObject({ code: 'cli.unwritable' });
  writeFileSync(join(folder, 'file'), '');
  await expect(makePrivateFolder(join(folder, 'file', 'below'))).rejects.toMatchObject({ code: 'cli.unwritable' });
});
