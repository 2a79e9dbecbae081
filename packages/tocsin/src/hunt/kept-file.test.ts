import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openKeptFile } from './kept-file.ts';

let base = '';
let folder = '';
let ignored: string[] = [];
const key = (text: string): Buffer => createHash('sha256').update(text).digest();
const open = (text = 'a'): ReturnType<typeof openKeptFile> =>
  openKeptFile('rules', key(text), { folder, onIgnored: (_path, reason) => ignored.push(reason) });
const read = (text = 'a'): string | undefined => open(text).read((content) => Buffer.from(content).toString());
const path = (text = 'a'): string => join(folder, `${key(text).toString('hex')}.rules`);

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'tocsin-kept-'));
  folder = join(base, 'kept');
  ignored = [];
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

it('gives back what was written under the key, and nothing under another', () => {
  expect(read()).toBeUndefined();
  open().write(() => Buffer.from('content'));
  expect([read(), read('b')]).toEqual(['content', undefined]);
  expect(ignored).toEqual([]);
  expect([statSync(folder).mode & 0o777, statSync(path()).mode & 0o777]).toEqual([0o700, 0o600]);
});

it.each<[string, () => void, string]>([
  ['a changed byte', () => writeFileSync(path(), Buffer.concat([readFileSync(path()).subarray(0, -1), Buffer.from('x')])), 'it is damaged'],
  ['a lost end', () => writeFileSync(path(), readFileSync(path()).subarray(0, 70)), 'it is damaged'],
  ['other bytes', () => writeFileSync(path(), 'something else altogether'), 'it is no file of this cache'],
  ['what is of another key', () => renameSync(path('b'), path()), 'it is of something else'],
  ['what others may write', () => chmodSync(path(), 0o666), 'it can be written by other users'],
  ['a folder that others may write', () => chmodSync(folder, 0o777), 'its folder can be written by other users'],
  [
    'a link',
    () => {
      renameSync(path(), `${path()}2`);
      symlinkSync(`${path()}2`, path());
    },
    'it is no plain file',
  ],
])('does not read %s', (_what, spoil, reason) => {
  open().write(() => Buffer.from('content'));
  open('b').write(() => Buffer.from('other'));
  spoil();
  expect([read(), ignored]).toEqual([undefined, [reason]]);
});

it('does not write into a folder that others may write, and says so', () => {
  open().write(() => Buffer.from('content'));
  chmodSync(folder, 0o777);
  open('b').write(() => Buffer.from('other'));
  expect(ignored).toEqual(['its folder can be written by other users']);
  expect(readdirSync(folder)).toHaveLength(1);
});

it('keeps the newest few', () => {
  for (let i = 0; i < 20; i++) open(`${i}`).write(() => Buffer.from('content'));
  expect(readdirSync(folder)).toHaveLength(16);
});
