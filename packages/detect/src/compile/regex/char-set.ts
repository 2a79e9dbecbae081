/** Sets of code points as sorted, disjoint ranges: what an expression can take as one character. */

/** Inclusive ranges, sorted, with a gap between any two. */
export type CharSet = readonly (readonly [from: number, to: number])[];

const MAX_CODE_POINT = 0x10ffff;

/** The set of the given ranges, in any order and overlapping as they like. */
export function charSet(ranges: CharSet): CharSet {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  const joined: [number, number][] = [];
  for (const [from, to] of sorted) {
    const last = joined[joined.length - 1];
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  return joined;
}

/** Set of one character. */
export function oneChar(code: number): CharSet {
  return [[code, code]];
}

/** Everything that is not in the set. */
export function complement(set: CharSet): CharSet {
  const ranges: [number, number][] = [];
  let from = 0;
  for (const [start, end] of set) {
    if (start > from) ranges.push([from, start - 1]);
    from = end + 1;
  }
  if (from <= MAX_CODE_POINT) ranges.push([from, MAX_CODE_POINT]);
  return ranges;
}

/** Whether two sets share no character. */
export function areDisjoint(a: CharSet, b: CharSet): boolean {
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const [one, other] = [a[i], b[j]] as [CharSet[number], CharSet[number]];
    if (one[0] <= other[1] && other[0] <= one[1]) return false;
    if (one[1] < other[1]) i += 1;
    else j += 1;
  }
  return true;
}

/**
 * The set with every letter in both cases, as RE2's simple folding has it; undefined where the set holds letters beyond ASCII, whose cases
 * are not known here. Two letters of ASCII have a third form: the Kelvin sign is a k, the long s an s.
 */
export function foldAscii(set: CharSet): CharSet | undefined {
  if (set.some(([, to]) => to > 127)) return undefined;
  const added: [number, number][] = [];
  for (let upper = 65; upper <= 90; upper++) {
    const lower = upper + 32;
    if (!set.some(([from, to]) => (from <= upper && upper <= to) || (from <= lower && lower <= to))) continue;
    added.push([upper, upper], [lower, lower]);
    if (lower === 107) added.push([0x212a, 0x212a]);
    if (lower === 115) added.push([0x17f, 0x17f]);
  }
  return charSet([...set, ...added]);
}

/** `\d` of RE2, which knows ASCII only. */
export const digits: CharSet = [[48, 57]];
/** `\w` of RE2: letters, digits and underscore of ASCII. */
export const wordChars: CharSet = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
/** `\s` of RE2: no vertical tab, nothing beyond ASCII. */
export const blanks: CharSet = [
  [9, 10],
  [12, 13],
  [32, 32],
];

/** The set as a class of a native expression with the flag `u`. */
export function classSource(set: CharSet): string {
  const shown = set.map(([from, to]) => (from === to ? hex(from) : `${hex(from)}-${hex(to)}`));
  return `[${shown.join('')}]`;
}

function hex(code: number): string {
  return `\\u{${code.toString(16)}}`;
}
