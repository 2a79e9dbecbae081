/** The needles of a plan, equal ones merged, with what the machine needs beyond them; and how often each leaf is to be expected. */
import { ESCAPE, EXACT, INSIDE, PREFIX, SUFFIX } from './machine/layout.ts';
import type { NeedleAnchor, ScanPlan } from './scan-plan.ts';

/** A needle once, with all leaves it speaks for: each entry is the leaf, and lowest whether it is sure. */
export interface MergedNeedle {
  readonly field: number;
  readonly anchor: number;
  readonly bytes: Uint8Array;
  readonly leaves: readonly number[];
}

const anchors: Readonly<Record<NeedleAnchor, number>> = { inside: INSIDE, prefix: PREFIX, suffix: SUFFIX, exact: EXACT };
const BACKSLASH_U = Uint8Array.of(0x5c, 0x75);

/** Needles by field, anchor and bytes. Whole records also get one that finds escapes which could hide another needle. */
export function mergeNeedles(plan: ScanPlan): MergedNeedle[] {
  const merged = new Map<string, MergedNeedle & { leaves: number[] }>();
  for (const { field, anchor, bytes, leaf, isSure } of plan.needles) {
    const key = `${field} ${anchor} ${bytes.join()}`;
    const entry = leaf * 2 + (isSure ? 1 : 0);
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { field, anchor: anchors[anchor], bytes, leaves: [entry] });
    else if (!known.leaves.includes(entry)) known.leaves.push(entry);
  }
  const rawField = plan.fields.findIndex(({ paths }) => paths.length === 0);
  const rawLeaves = plan.leaves.flatMap((field, leaf) => (field === rawField ? [leaf * 2] : []));
  const escape: MergedNeedle[] = rawLeaves.length === 0 ? [] : [{ field: rawField, anchor: ESCAPE, bytes: BACKSLASH_U, leaves: rawLeaves }];
  return [...merged.values(), ...escape];
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
