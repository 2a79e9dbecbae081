/** The needles of a plan, equal ones merged, with what the machine needs beyond them; and how often each leaf is to be expected. */
import { byteText } from './byte-text.ts';
import { ESCAPE, EXACT, INSIDE, PREFIX, SUFFIX } from './machine/layout.data.ts';
import type { NeedleAnchor, ScanPlan } from './scan-plan.ts';

/** A needle once, with all leaves it speaks for: each entry is the leaf, and lowest whether it is sure. */
export interface MergedNeedle {
  readonly field: number;
  readonly anchor: number;
  readonly bytes: Uint8Array;
  readonly cased: Uint8Array | undefined;
  readonly leaves: readonly number[];
}

const anchors: Readonly<Record<NeedleAnchor, number>> = { inside: INSIDE, prefix: PREFIX, suffix: SUFFIX, exact: EXACT };
const encoder = new TextEncoder();
/** Beginnings of escapes that can stand for ASCII or for a letter that folds into it (U+0130, U+017F, U+212A). */
const ESCAPES = ['\\u00', '\\u01', '\\u21'].map((text) => encoder.encode(text));
/** Those letters themselves. */
const FOLDING = ['\u0130', '\u017f', '\u212a'].map((text) => encoder.encode(text));

/** Needles by field, anchor and bytes. Whole records also get those that find spellings which could hide another needle. */
export function mergeNeedles(plan: ScanPlan): MergedNeedle[] {
  const merged = new Map<string, MergedNeedle & { leaves: number[] }>();
  for (const { field, anchor, bytes, cased, leaf, isSure } of plan.needles) {
    const key = `${field} ${anchor} ${cased === undefined ? 'any' : 'own'} ${byteText(cased ?? bytes)}`;
    const entry = leaf * 2 + (isSure ? 1 : 0);
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { field, anchor: anchors[anchor], bytes, cased, leaves: [entry] });
    else if (!known.leaves.includes(entry)) known.leaves.push(entry);
  }
  const rawField = plan.fields.findIndex(({ paths }) => paths.length === 0);
  const rawLeaves = plan.leaves.flatMap((field, leaf) => (field === rawField ? [leaf * 2] : []));
  if (rawLeaves.length === 0) return [...merged.values()];
  const hidden = (anchor: number, texts: readonly Uint8Array[]): MergedNeedle[] =>
    texts.map((bytes) => ({ field: rawField, anchor, bytes, cased: undefined, leaves: rawLeaves }));
  return [...merged.values(), ...hidden(ESCAPE, ESCAPES), ...hidden(INSIDE, FOLDING)];
}

/** Expected stamps per record of each leaf, by a guess: letters tell, and a value's end tells as much as three of them. */
export function expectedHits(plan: ScanPlan, needles: readonly MergedNeedle[]): Float64Array {
  const hits = new Float64Array(plan.leaves.length);
  for (const { anchor, bytes, leaves } of needles) {
    if (anchor === ESCAPE) continue;
    const letters = bytes.length + (anchor === INSIDE ? 0 : 3);
    for (const entry of leaves) hits[entry >> 1] = (hits[entry >> 1] as number) + 2 ** (-0.5 * Math.min(letters, 40));
  }
  for (const { leaf, on } of plan.triggers) hits[leaf] = (hits[leaf] as number) + (on === 'value' ? 1 : 0.001);
  return hits;
}
