/** Values as numbers: a hash of 47 bits, so that a window keeps six bytes of a value however long it is. */

/**
 * Hash of a text. Two are told apart but for one pair in 2^47: among 100,000 different values of one window any two coincide
 * with a probability of about one in 28,000, and then one value is missing from the count.
 */
export function hashText(text: string): number {
  let low = 0x9e3779b9 ^ text.length;
  let high = 0x85ebca6b;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x9e3779b1);
    high = Math.imul((high << 13) | (high >>> 19), 5) + unit;
  }
  return numberOf(low, high);
}

/** Hash of hashes in order, for values taken together. */
export function joinHashes(hashes: readonly number[]): number {
  let low = 0x9e3779b9 ^ hashes.length;
  let high = 0x85ebca6b;
  for (const hash of hashes) {
    low = Math.imul(low ^ (hash >>> 0), 0x9e3779b1);
    high = Math.imul(((high << 13) | (high >>> 19)) ^ Math.floor(hash / 2 ** 32), 0xc2b2ae3d) ^ (low >>> 7);
  }
  return numberOf(low, high);
}

function numberOf(low: number, high: number): number {
  const mixed = mix(low ^ high);
  return (mix(high ^ (mixed >>> 11)) >>> 17) * 2 ** 32 + (mixed >>> 0);
}

/** Every bit of the result hangs on every bit given (finaliser of MurmurHash3, A. Appleby). */
function mix(bits: number): number {
  let mixed = bits ^ (bits >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
