/** Values as numbers: a hash of 52 bits, so that a window keeps eight bytes of a value however long it is. */

/**
 * Hash of values taken together. Two of them are told apart but for one pair in 2^52: among 100,000 different values of one
 * window any two coincide with a probability of about one in a million.
 */
export function hashValues(values: readonly string[]): number {
  let low = 0x9e3779b9;
  let high = 0x85ebca6b;
  for (const value of values) {
    // The length first, so that ("ab", "c") and ("a", "bc") differ.
    low = Math.imul(low ^ value.length, 0x85ebca77);
    high = Math.imul(high + value.length, 0xc2b2ae3d);
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i);
      low = Math.imul(low ^ unit, 0x9e3779b1);
      high = Math.imul((high << 13) | (high >>> 19), 5) + unit;
    }
  }
  low ^= high;
  return (mix(high ^ (low >>> 11)) >>> 12) * 2 ** 32 + (mix(low) >>> 0);
}

/** Every bit of the result hangs on every bit given (finaliser of MurmurHash3, A. Appleby). */
function mix(bits: number): number {
  let mixed = bits ^ (bits >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
