/** The checks against files that break their rules: each breach is found once, with its rule and line, and good files pass. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { checkBoundaries } from './check-boundaries.ts';
import { checkLockfile } from './check-lockfile.ts';
import { checkStyle } from './check-style.ts';
import { findingText } from './finding.ts';

const manifest = (dependencies: Record<string, string>): string => JSON.stringify({ exports: { '.': {}, './sub': {} }, dependencies });
const references = (...names: string[]): string => JSON.stringify({ references: names.map((name) => ({ path: `../${name}` })) });
const HEADER = '/** What lives here. */\n';
const GOOD: Record<string, string> = {
  'ARCHITECTURE.md': '| package | may import | main exports |\n|---|---|---|\n| core | — | a |\n| bus | core | b |\n\n',
  'package.json': '{"devDependencies":{"vitest":"5.1.0"}}',
  'packages/core/package.json': manifest({}),
  'packages/core/tsconfig.json': references(),
  'packages/core/src/event.ts': `${HEADER}\nexport const event = 1;\n`,
  'packages/bus/package.json': manifest({ '@tocsin/core': '0.1.0' }),
  'packages/bus/tsconfig.json': references('core'),
  'packages/bus/src/event-bus.ts': `${HEADER}import { a } from '@tocsin/core/sub';\nimport { b } from './frame.ts';\nimport { c } from 'node:fs';\n`,
  'packages/bus/src/event-bus.test.ts': "import { it } from 'vitest';\n",
  'package-lock.json': JSON.stringify({
    packages: { '': {}, 'node_modules/a': { integrity: 'x', optionalDependencies: { b: '1' } }, 'node_modules/b': { integrity: 'x' } },
  }),
};

let folder: string | undefined;
afterEach(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true });
  folder = undefined;
});

/** Lays the good files with some changed, and gives their folder. */
function lay(changed: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'tocsin-checks-'));
  folder = root;
  for (const [path, text] of Object.entries({ ...GOOD, ...changed })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

describe('checkBoundaries', () => {
  it('passes what the table allows', () => expect(checkBoundaries(lay({}))).toEqual([]));

  it.each([
    [
      'packages/core/src/x.ts',
      "import 'node:fs';",
      "packages/core/src/x.ts:1  R6  core is pure and may not import 'node:fs'; take what it gives as an argument",
    ],
    ['packages/bus/src/x.ts', "\nimport 'fs';", "packages/bus/src/x.ts:2  R6  write 'node:fs'"],
    ['packages/bus/src/x.ts', "import 'yaml';", "packages/bus/src/x.ts:1  R5  'yaml' is not a declared dependency of bus"],
    ['packages/bus/src/x.ts', "import 'vitest';", "packages/bus/src/x.ts:1  R5  'vitest' is not a declared dependency of bus"],
    ['packages/core/src/x.ts', "import '@tocsin/bus';", "packages/core/src/x.ts:1  R5  '@tocsin/bus' is not a declared dependency of core"],
    [
      'packages/bus/src/x.ts',
      "import '@tocsin/core/src/event.ts';",
      "packages/bus/src/x.ts:1  R7  '@tocsin/core/src/event.ts' is not exported by @tocsin/core",
    ],
    [
      'packages/bus/src/x.ts',
      "import '../../core/src/event.ts';",
      "packages/bus/src/x.ts:1  R7  '../../core/src/event.ts' leaves the package; import another package by its name",
    ],
    ['packages/bus/src/x.ts', "import './frame.js';", "packages/bus/src/x.ts:1  R7  './frame.js' must end in .ts, the file's real name"],
    ['packages/bus/tsconfig.json', references(), 'packages/bus/tsconfig.json  R4  references [], and package.json depends on [core]'],
  ])('finds %s with %j', (path, text, want) => expect(checkBoundaries(lay({ [path]: text })).map(findingText)).toEqual([want]));

  it('finds a cycle', () => {
    const root = lay({
      'packages/core/package.json': manifest({ '@tocsin/bus': '0.1.0' }),
      'packages/core/tsconfig.json': references('bus'),
    });
    expect(checkBoundaries(root).map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'packages/core/package.json: depends on [bus], and ARCHITECTURE.md allows []; change the one that is wrong',
      'packages/bus/package.json: bus depends on itself through others',
      'packages/core/package.json: core depends on itself through others',
    ]);
  });
});

describe('checkStyle', () => {
  it('passes good files', () => expect(checkStyle(lay({}))).toEqual([]));

  it.each([
    ['packages/bus/src/x.ts', 'export const a = 1;\n', 9, 1],
    ['packages/bus/src/x.ts', `${HEADER}export const a = 1;\n\nexport const b = 1;\n`, 10, 4],
    ['packages/bus/src/x.ts', `${HEADER}${'\n'.repeat(400)}`, 2, 0],
    ['packages/bus/src/string-utils.ts', HEADER, 8, 0],
    ['packages/bus/src/helpers/x.ts', HEADER, 8, 0],
    ['packages/bus/src/EventBus.ts', HEADER, 8, 0],
    ['packages/bus/src/index.ts', 'export const a = 1;\n', 8, 1],
    ['packages/bus/src/x.ts', `${HEADER}// ${'TO'}DO later\n`, 11, 2],
    ['packages/bus/src/x.test.ts', `it.${'skip'}('a', f);\n`, 12, 1],
    ['packages/bus/src/x.test.ts', `describe.${'skipIf'}(missing)('a', f);\n`, 12, 1],
    ['packages/bus/src/x.ts', `${HEADER}const a = '/${'root'}/a';\n`, 13, 2],
    ['packages/bus/src/x.ts', `${HEADER}void a().${'catch'}(() => {});\n`, 14, 2],
    ['packages/bus/src/x.ts', `${HEADER}// oxlint-${'disable'}-next-line complexity\n`, 16, 2],
  ])('finds in %s what breaks a rule', (path, text, rule, line) => {
    expect(checkStyle(lay({ [path]: text })).map((found) => [found.path, found.rule, found.line])).toEqual([[path, rule, line]]);
  });
});

describe('checkLockfile', () => {
  it('passes a lockfile for every platform', () => expect(checkLockfile(lay({}))).toEqual([]));

  it.each([
    [{ optionalDependencies: { missing: '1' }, integrity: 'x' }, 'node_modules/a wants missing'],
    [{ resolved: 'https://example.org/a.tgz', integrity: 'x' }, 'node_modules/a names an address'],
    [{}, 'node_modules/a has no integrity hash'],
  ])('finds %j', (entry, want) => {
    const found = checkLockfile(lay({ 'package-lock.json': JSON.stringify({ packages: { 'node_modules/a': entry } }) }));
    expect(found.map(({ message }) => message.slice(0, want.length))).toEqual([want]);
  });
});
