/**
 * A large set of rule files read a slice at a time, each encoded and let go before the next: the documents of thousands of files are never in
 * memory together. What hangs on other files cannot be read so, and is read as ever.
 */
import { encodeRules } from './encode-rules.ts';
import type { RuleFile } from './parse-memo.ts';
import { type ParsedRules, parseRules } from './parse-rules.ts';
import { joinSlices, type RuleSlice, sliceFiles } from './rule-slice.ts';

/** What `parseRules` makes of the files, as `encodeRules` writes it. Their text is asked for when their turn comes. */
export function parseCompactly<T extends { readonly path: string }>(
  files: readonly T[],
  textOf: (file: T) => RuleFile,
): Uint8Array<ArrayBuffer> {
  const slices: RuleSlice[] = [];
  for (const own of sliceFiles(files)) {
    const slice = parseSlice(own.map(textOf));
    if (slice === undefined) return parseTogether(files.map(textOf));
    slices.push(slice);
  }
  return joinSlices(slices) ?? parseTogether(files.map(textOf));
}

/** The rules of all files, read at once. */
export function parseTogether(files: readonly RuleFile[]): Uint8Array<ArrayBuffer> {
  return encodeRules(parseRules(files));
}

/** A slice of rule files; undefined where it could mean something else among others: only plain rules stand alone, and none that is refused, which may wait for another. */
export function parseSlice(files: readonly RuleFile[]): RuleSlice | undefined {
  const parsed = parseRules(files);
  const { rules, filters, placeholders, refused }: ParsedRules = parsed;
  if (filters.length + placeholders.length + refused.length > 0) return undefined;
  if (rules.some(({ kind }) => kind !== 'detection')) return undefined;
  const claims = rules.flatMap(({ meta: { id, name } }) => (name === undefined || name === id ? [id] : [id, name]));
  return { encoded: encodeRules(parsed), claims };
}
