/**
 * Fingerprints of the needles over whole records, where they are few: four bytes of each, in eight buckets, that the machine looks for at
 * sixteen places at a time (after "Teddy" of Hyperscan; Langdale and Wang, NSDI 2019). What passes is compared with the needle.
 */
import type { ImageMemory } from './image-memory.ts';
import { FINGERPRINT_MASKS, FINGERPRINTS_BYTES, P_FINGERPRINTS } from './machine/layout.data.ts';
import type { MergedNeedle } from './merge-needles.ts';

/** More needles than this let too much pass: they have an automaton. */
const MAX_NEEDLES = 64;
const WINDOW = 4;
const BUCKETS = 8;

/** Bytes of JSON log records from the commonest on, roughly; the others are rare. */
const COMMON = '"\\e0,:atin1rso2-cld.3mpu4f56789hgbyvSwkx/TMPCDEIAR _{}NOLUWFBVGqjzHK$()%@=\n\r\t&;+*~';

/** Where fingerprints go. */
export interface FingerprintTarget {
  readonly memory: ImageMemory;
  readonly lists: (entries: readonly number[]) => number;
  readonly backs: Map<number, number>;
  readonly program: number;
}

/** Whether the needles of a field are few enough for fingerprints. */
export function fingerprinted(needles: readonly MergedNeedle[], field: number): boolean {
  const count = needles.filter((needle) => needle.field === field).length;
  return field >= 0 && count > 0 && count <= MAX_NEEDLES;
}

/** Writes masks and buckets, and where in its needle each fingerprint stands. */
export function encodeFingerprints(
  needles: readonly MergedNeedle[],
  field: number,
  { memory, lists, backs, program }: FingerprintTarget,
): void {
  const members = new Map<string, number[]>();
  for (const [needle, { field: of, bytes }] of needles.entries()) {
    if (of !== field) continue;
    const at = rarestWindow(bytes);
    backs.set(needle, at);
    const key = bytes.subarray(at, at + WINDOW).join();
    members.set(key, [...(members.get(key) ?? []), needle]);
  }
  const buckets = mergeBuckets([...members].map(([key, of]) => ({ masks: masksOf(key.split(',').map(Number)), needles: of })));
  const block = memory.allocate(FINGERPRINTS_BYTES);
  for (let number = 0; number < BUCKETS; number++) {
    const bucket = buckets[number];
    memory.setLink(block + FINGERPRINT_MASKS + number * 4, lists(bucket?.needles ?? []));
    for (const [place, mask] of (bucket?.masks ?? []).entries()) putMask(memory, block + place * 32, { mask, number });
  }
  memory.setLink(program + P_FINGERPRINTS, block);
}

/** Sets a bucket's bit for every nibble that its place lets pass. */
function putMask(memory: ImageMemory, at: number, { mask, number }: { mask: NibbleMask; number: number }): void {
  for (let nibble = 0; nibble < 16; nibble++) {
    if ((mask.low >> nibble) & 1) addBit(memory, at + nibble, number);
    if ((mask.high >> nibble) & 1) addBit(memory, at + 16 + nibble, number);
  }
}

function addBit(memory: ImageMemory, at: number, bit: number): void {
  memory.bytes[at] = (memory.bytes[at] as number) | (1 << bit);
}

/** Which low and which high nibbles a place lets pass, as bits. */
interface NibbleMask {
  readonly low: number;
  readonly high: number;
}

interface Bucket {
  readonly masks: readonly NibbleMask[];
  readonly needles: readonly number[];
}

/** Eight buckets at most: the two whose union lets the least more pass become one, again and again. */
function mergeBuckets(all: readonly Bucket[]): Bucket[] {
  const buckets = [...all];
  const shares = buckets.map(passing);
  const costOf = (a: number, b: number): number =>
    passing(union(buckets[a] as Bucket, buckets[b] as Bucket)) - (shares[a] as number) - (shares[b] as number);
  // Cost of each pair a < b, in row b.
  const costs = buckets.map((_, b) => Array.from({ length: b }, (_unused, a) => costOf(a, b)));
  while (buckets.length > BUCKETS) {
    const [a, b] = cheapestPair(costs);
    buckets[a] = union(buckets[a] as Bucket, buckets[b] as Bucket);
    shares[a] = passing(buckets[a]);
    for (const list of [buckets, shares, costs]) list.splice(b, 1);
    for (const row of costs.slice(b)) row.splice(b, 1);
    for (let other = 0; other < buckets.length; other++) {
      if (other < a) (costs[a] as number[])[other] = costOf(other, a);
      else if (other > a) (costs[other] as number[])[a] = costOf(a, other);
    }
  }
  return buckets;
}

function cheapestPair(costs: readonly (readonly number[])[]): readonly [number, number] {
  let best: readonly [number, number] = [0, 1];
  let least = Number.POSITIVE_INFINITY;
  for (const [b, row] of costs.entries()) {
    for (const [a, cost] of row.entries()) {
      if (cost < least) [best, least] = [[a, b], cost];
    }
  }
  return best;
}

function union(one: Bucket, other: Bucket): Bucket {
  const masks = one.masks.map(({ low, high }, place) => {
    const mask = other.masks[place] as NibbleMask;
    return { low: low | mask.low, high: high | mask.high };
  });
  return { masks, needles: [...one.needles, ...other.needles] };
}

/** Share of places that a bucket lets pass, by how common bytes are. */
function passing({ masks }: Pick<Bucket, 'masks'>): number {
  let product = 1;
  for (const { low, high } of masks) {
    let sum = 0;
    for (let row = 0; row < 16; row++) {
      if (((high >> row) & 1) === 0) continue;
      sum += (rowShares[row * 512 + (low & 255)] as number) + (rowShares[row * 512 + 256 + (low >> 8)] as number);
    }
    product *= sum;
  }
  return product;
}

function masksOf(window: ArrayLike<number>): NibbleMask[] {
  return Array.from({ length: WINDOW }, (_, place) => {
    const bytes = spellings(window[place]);
    return bytes.reduce((mask, byte) => ({ low: mask.low | (1 << (byte & 15)), high: mask.high | (1 << (byte >> 4)) }), {
      low: 0,
      high: 0,
    });
  });
}

function rarestWindow(bytes: Uint8Array): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let at = 0; at <= Math.max(0, bytes.length - WINDOW); at++) {
    const share = passing({ masks: masksOf(bytes.subarray(at, at + WINDOW)) });
    if (share < least) [best, least] = [at, share];
  }
  return best;
}

const ANY_BYTE = Array.from({ length: 256 }, (_, any) => any);

/** Bytes that a needle's byte is found as; behind its end any byte. */
function spellings(byte: number | undefined): readonly number[] {
  if (byte === undefined) return ANY_BYTE;
  return byte >= 0x61 && byte <= 0x7a ? [byte, byte - 32] : [byte];
}

/** For each high nibble, and each set of the eight lower and of the eight upper low nibbles, the share of those bytes in JSON log records: a guess from their order. */
const rowShares: Float64Array = sharesByRow(sharesByRank());

function sharesByRow(shares: Float64Array): Float64Array {
  return Float64Array.from({ length: 16 * 512 }, (_, index) => {
    let sum = 0;
    for (let bit = 0; bit < 8; bit++)
      if (((index & 255) >> bit) & 1) sum += shares[(index >> 9) * 16 + ((index >> 8) & 1) * 8 + bit] as number;
    return sum;
  });
}

function sharesByRank(): Float64Array {
  const weights = Float64Array.from({ length: 256 }, (_, byte) => {
    const rank = COMMON.indexOf(String.fromCharCode(byte));
    return 1 / (4 + (rank < 0 ? 20 * COMMON.length : rank));
  });
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}
