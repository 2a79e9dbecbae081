/** Slices of a large set of rule files: each is read by itself, wherever that is, and they are put together again. Reading one is `parse-compactly.ts`. */
import { joinEncodedRules } from './encode-rules.ts';
import type { RuleFile } from './parse-memo.ts';

/** What a slice of rule files came to, where it means the same by itself as among all others. */
export interface RuleSlice {
  /** Its rules as `encodeRules` writes them. */
  readonly encoded: Uint8Array<ArrayBuffer>;
  /** Ids and names of its rules, which no other slice may have. */
  readonly claims: readonly string[];
}

/** Files of a slice: what is alive while one is read is a few megabytes. */
const SLICE = 256;

/** Rule files in slices, in order. */
export function sliceFiles<T extends Pick<RuleFile, 'path'>>(files: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(files.length / SLICE) }, (_, index) => files.slice(index * SLICE, (index + 1) * SLICE));
}

/** The rules of all slices, as if they had been read at once; undefined where two of them claim the same, or there is none. */
export function joinSlices(slices: readonly RuleSlice[]): Uint8Array<ArrayBuffer> | undefined {
  const claims = slices.flatMap((slice) => slice.claims);
  if (slices.length === 0 || new Set(claims).size < claims.length) return undefined;
  return joinEncodedRules(slices.map(({ encoded }) => encoded));
}
