import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { codeFolder } from './code-cache.ts';

let base = '';
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'tocsin-code-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));
const variable = (name: string): string | undefined => (name === 'XDG_CACHE_HOME' ? base : undefined);

it("makes a folder that is this user's alone", () => {
  const folder = codeFolder(variable);
  expect(folder).toBe(join(base, 'tocsin', 'code'));
  expect(statSync(folder ?? '').mode & 0o777).toBe(0o700);
});

it('uses no folder that others may write: what lies there would be run', () => {
  mkdirSync(join(base, 'tocsin', 'code'), { recursive: true });
  chmodSync(join(base, 'tocsin', 'code'), 0o777);
  expect(codeFolder(variable)).toBeUndefined();
});

it('does without where none can be made', () => {
  expect(codeFolder((name) => (name === 'XDG_CACHE_HOME' ? '/dev/null/nowhere' : undefined))).toBeUndefined();
});
