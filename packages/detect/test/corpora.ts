/** Public recordings and rules for tests, where the machine has them: `TOCSIN_CORPORA`, else `../shared/corpora` from the repository's root. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { beforeEach, type TestContext } from 'vitest';
import type { RuleFile } from '../src/parse/parse-memo.ts';

const folder = process.env['TOCSIN_CORPORA'] ?? join(import.meta.dirname, '../../../../shared/corpora');

/** Whether the corpora are there. */
export const hasCorpora = existsSync(join(folder, 'sigma-rules/sigmahq-rules.tar.gz'));

/** Leaves a test out where the corpora are not there, and says so. */
export function skipWithoutCorpora(context: TestContext): void {
  context.skip(!hasCorpora, 'the public rules and recordings are not beside this clone');
}

/** The same for every test of the suite that it is called in. */
export function needsCorpora(): void {
  beforeEach(skipWithoutCorpora);
}

/** Text of a file. */
export function corpusText(path: string): string {
  return readFileSync(join(folder, path), 'utf8');
}

/** Lines of a gzipped text file, empty ones left out. */
export function textLines(path: string): string[] {
  return gunzipSync(readFileSync(join(folder, path)))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
}

/** Lines of a gzipped NDJSON file. */
export function ndjson(path: string, most = Number.POSITIVE_INFINITY): unknown[] {
  return textLines(path)
    .slice(0, most)
    .map((line) => JSON.parse(line) as unknown);
}

/** Rule files of a gzipped tar archive (ustar: 512-byte headers, name at 0, octal size at 124, kind at 156, prefix at 345; longer names by GNU or pax). */
export function ruleArchive(path: string): RuleFile[] {
  const bytes = gunzipSync(readFileSync(join(folder, path)));
  const text = (from: number, length: number): string =>
    bytes
      .subarray(from, from + length)
      .toString('utf8')
      .replace(/\0.*$/s, '');
  const files: RuleFile[] = [];
  let longName: string | undefined;
  for (let at = 0; at + 512 <= bytes.length && text(at, 1) !== ''; ) {
    const name = longName ?? [text(at + 345, 155), text(at, 100)].filter((part) => part !== '').join('/');
    const kind = text(at + 156, 1);
    const size = Number.parseInt(text(at + 124, 12).trim(), 8);
    const content = bytes.subarray(at + 512, at + 512 + size).toString('utf8');
    longName = kind === 'L' ? content.replace(/\0.*$/s, '') : kind === 'x' ? /^[0-9]+ path=(.*)$/m.exec(content)?.[1] : undefined;
    if (kind !== 'L' && kind !== 'x' && /\.ya?ml$/.test(name)) files.push({ path: name, text: content });
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
