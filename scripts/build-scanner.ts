/**
 * `node scripts/build-scanner.ts`: compiles the scanner's machine to WebAssembly and writes it, as base64, to the file that is committed.
 * The machine's sources are TypeScript that AssemblyScript understands as well; only their imports and their memory are replaced.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './source-files.ts';

/** The file with the compiled module. */
export const MODULE_FILE = 'packages/core/src/scan/module.data.ts';

const SOURCES = [
  'packages/core/assembly/primitives.ts',
  ...['layout', 'walk', 'values', 'automata', 'verdict', 'scan'].map((name) => `packages/core/src/scan/machine/${name}.ts`),
];
const OPTIONS = [
  '-O3',
  '--converge',
  '--noAssert',
  '--runtime',
  'stub',
  '--use',
  'abort=',
  '--enable',
  'simd',
  '--enable',
  'relaxed-simd',
  '--enable',
  'bulk-memory',
];
const LINE_CHARS = 160;

/** Text of the module file as the sources have it. @throws Error with the compiler's words where they do not compile */
export async function scannerModuleText(): Promise<string> {
  const bytes = await compile(SOURCES.map((path) => asAssembly(readFileSync(join(root, path), 'utf8'))).join('\n'));
  const text = Buffer.from(bytes).toString('base64');
  const lines = text.match(new RegExp(`.{1,${LINE_CHARS}}`, 'g')) ?? [];
  return [
    '/** The scanner machine as WebAssembly, base64. Generated from `src/scan/machine` by `node scripts/build-scanner.ts`; do not edit. */',
    'export const moduleBase64 =',
    `${lines.map((line) => `  '${line}'`).join(' +\n')};`,
    '',
  ].join('\n');
}

/** What is wrong with the committed module: that it is not what the sources compile to. */
export async function changedModule(): Promise<string[]> {
  const isSame = readFileSync(join(root, MODULE_FILE), 'utf8') === (await scannerModuleText());
  return isSame ? [] : [`${MODULE_FILE}  R20  is not what the sources compile to; type: node scripts/build-scanner.ts`];
}

/** Only `scan` stays exported: all else may be inlined and dropped. */
function asAssembly(source: string): string {
  return source
    .replaceAll(/^import [^;]*;\n/gm, '')
    .replaceAll(/^export (const|function) (?!scan\b)/gm, '$1 ')
    .replaceAll(/\bboolean\b/g, 'bool');
}

async function compile(source: string): Promise<Uint8Array> {
  const { default: asc } = await import('assemblyscript/asc');
  let bytes: Uint8Array | undefined;
  const { error } = await asc.main(['scanner.ts', '--outFile', 'scanner.wasm', '--importMemory', ...OPTIONS], {
    readFile: (name) => (name === 'scanner.ts' ? source : null),
    writeFile: (name, content) => {
      if (name === 'scanner.wasm' && typeof content !== 'string') bytes = content;
    },
    listFiles: () => [],
  });
  if (error !== null || bytes === undefined)
    throw new Error(`the scanner does not compile: ${error?.message ?? 'no module came out'}`, { cause: error });
  return bytes;
}

if (import.meta.main) writeFileSync(join(root, MODULE_FILE), await scannerModuleText());
