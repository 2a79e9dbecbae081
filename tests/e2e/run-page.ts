/** Pages of docs/how-to as tests: each block of commands is run by bash, and prints at least what the block of JSON behind it says. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { builtProgram } from '../faults/tocsin-process.ts';
import type { Program } from './program.ts';

const folder = join(import.meta.dirname, '..', '..', 'docs', 'how-to');

/** Runs the page's commands in order against a program. @throws where one fails, prints something else, or the page has none */
export async function runPage(name: string, program: Program): Promise<void> {
  const page = readFileSync(join(folder, `${name}.md`), 'utf8');
  const blocks = [...page.matchAll(/^```(sh|json)\n(.*?)^```$/gms)].map(([, kind, text = '']) => ({ kind, text }));
  expect(blocks.some(({ kind }) => kind === 'sh')).toBe(true);
  const tocsin = `tocsin() { '${process.execPath}' '${builtProgram}' "$@" --data '${program.dataDir}'; }`;
  for (const [i, { kind, text }] of blocks.entries()) {
    if (kind !== 'sh') continue;
    const { stdout } = await promisify(execFile)('bash', ['-euc', `${tocsin}\n${text}`]);
    expect(JSON.parse(stdout)).toMatchObject(JSON.parse(blocks[i + 1]?.text ?? '') as object);
  }
}
