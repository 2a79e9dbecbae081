/** What `tocsin hunt` as built prints over a file, run as a user runs it. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const PROGRAM = process.env['TOCSIN_BENCH_PROGRAM'] ?? join(import.meta.dirname, '../../packages/tocsin/dist/main.js');
const MOST_PRINTED_BYTES = 1 << 30;

/** What was printed. Matches are `rule line`, lines from 1, as they stand in the output. */
export interface PrintedMatches {
  readonly matches: readonly string[];
  /** From `--summary json` of a second run, which counts and prints nothing else. */
  readonly summary: { readonly events: number; readonly unparsed: number; readonly matches: number; readonly rulesLoaded: number };
}

/** Runs the command over an NDJSON file; rules lie in `folder/rules`, and its cache goes beside them. */
export function printedMatches(file: string, folder: string): PrintedMatches {
  const hunt = (...form: readonly string[]): string =>
    execFileSync(process.execPath, [PROGRAM, 'hunt', '--rules', join(folder, 'rules'), '--cache', join(folder, 'cache'), ...form, file], {
      encoding: 'utf8',
      maxBuffer: MOST_PRINTED_BYTES,
    });
  const printed = hunt('--output', 'ndjson')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { kind: string; rule: string; line: number })
    .filter(({ kind }) => kind === 'match');
  return {
    matches: printed.map(({ rule, line }) => `${rule} ${line}`),
    summary: JSON.parse(hunt('--summary', 'json')) as PrintedMatches['summary'],
  };
}
