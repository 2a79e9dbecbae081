import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeProgram, type ScanPlan } from '@tocsin/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadHuntRules } from './load-rules.ts';
import { openProgramCache } from './program-cache.ts';

let base = '';
let ignored: string[] = [];
const options = (): { folder: string; onIgnored: (path: string, reason: string) => void } => ({
  folder: join(base, 'kept'),
  onIgnored: (_path, reason) => ignored.push(reason),
});
const plan: ScanPlan = { fields: [], unusualKeys: [], leaves: [], needles: [], triggers: [], rules: [{ kind: 'maybe' }] };

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'tocsin-programs-'));
  ignored = [];
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

it('gives a program back under its key, and none under another', () => {
  const cache = openProgramCache(options());
  const image = encodeProgram(plan);
  cache.write('a'.repeat(64), image);
  expect(openProgramCache(options()).read('a'.repeat(64))).toEqual(image);
  expect(cache.read('b'.repeat(64))).toBeUndefined();
  expect(ignored).toEqual([]);
});

it('does not use a damaged program, and says so', () => {
  const cache = openProgramCache(options());
  cache.write('a'.repeat(64), encodeProgram(plan));
  const [file = ''] = readdirSync(join(base, 'kept'));
  const bytes = readFileSync(join(base, 'kept', file));
  bytes.writeUInt8((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1);
  writeFileSync(join(base, 'kept', file), bytes);
  expect(cache.read('a'.repeat(64))).toBeUndefined();
  expect(ignored).toEqual(['it is damaged']);
});

it('knows rule files without reading them, until one of them changes', async () => {
  const path = join(base, 'rule.yml');
  const write = (word: string): void =>
    writeFileSync(path, `title: T\nid: t\nlogsource: {product: test}\ndetection:\n  s: {a: ${word}}\n  condition: s\n`);
  const later = Date.now() + 60_000;
  const kinds = (): string[] => [...new Set(readdirSync(join(base, 'kept')).map((name) => name.split('.')[1] ?? ''))].sort();
  write('one');
  const first = await loadHuntRules([path], { nowMs: Date.now(), cache: options() });
  first.keep();
  // Changed just now: it could change again within the same tick.
  expect(kinds()).toEqual(['rules']);
  (await loadHuntRules([path], { nowMs: later, cache: options() })).keep();
  expect(kinds()).toEqual(['index', 'rules']);
  const known = await loadHuntRules([path], { nowMs: later, cache: options() });
  expect(known.rules.map(({ meta }) => meta.version)).toEqual(first.rules.map(({ meta }) => meta.version));
  write('two');
  utimesSync(path, new Date(0), new Date(0));
  expect((await loadHuntRules([path], { nowMs: later, cache: options() })).rules[0]?.meta.version).not.toBe(first.rules[0]?.meta.version);
  expect(ignored).toEqual([]);
});
