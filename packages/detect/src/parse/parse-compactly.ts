/**
 * A large set of rule files read a slice at a time, each encoded and let go before the next: the documents of thousands of files are never in
 * memory together. What hangs on other files cannot be read so, and is read as ever.
 */
import { encodeRules, joinEncodedRules } from './encode-rules.ts';
import type { RuleFile } from './parse-memo.ts';
import { type ParsedRules, parseRules } from './parse-rules.ts';

/** Files of a slice: what is alive while one is read is a few megabytes. */
const SLICE = 256;

/** What `parseRules` makes of the files, as `encodeRules` writes it. */
export function parseCompactly(files: readonly RuleFile[]): Uint8Array<ArrayBuffer> {
  const taken = new Set<string>();
  const sets: Uint8Array[] = [];
  for (let at = 0; at < files.length; at += SLICE) {
    const parsed = parseRules(files.slice(at, at + SLICE));
    if (!standsAlone(parsed, taken)) return encodeRules(parseRules(files));
    sets.push(encodeRules(parsed));
  }
  return sets.length === 0 ? encodeRules(parseRules([])) : joinEncodedRules(sets);
}

/** Whether a slice means the same among all others: plain rules only, none refused, which may have waited for another, and no id or name taken. */
function standsAlone({ rules, filters, placeholders, refused }: ParsedRules, taken: Set<string>): boolean {
  if (filters.length + placeholders.length + refused.length > 0) return false;
  for (const { kind, meta } of rules) {
    if (kind !== 'detection') return false;
    for (const claim of meta.name === undefined || meta.name === meta.id ? [meta.id] : [meta.id, meta.name]) {
      if (taken.has(claim)) return false;
      taken.add(claim);
    }
  }
  return true;
}
