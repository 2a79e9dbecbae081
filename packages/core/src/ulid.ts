/**
 * ULIDs (github.com/ulid/spec): 48 bits of time, 80 random bits, 26 characters of Crockford's base 32.
 * Monotonic within a generator: within one millisecond, or when the clock goes back, the random part counts up.
 * Unique across processes by construction of the random part: 80 bits drawn anew each millisecond.
 */
import type { Clock } from './clock.ts';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const RANDOM_DIGITS = 16;
const TIME_DIGITS = 10;
/** Bytes drawn at a time: one call to the system's generator serves 25 ids. */
const POOL_BYTES = 400;

/** Makes ULIDs, each greater than the one before. `fillRandom` fills a buffer with random bytes. */
export function createUlidGenerator(
  clock: Clock,
  fillRandom: (buffer: Uint8Array<ArrayBuffer>) => unknown = (buffer) => crypto.getRandomValues(buffer),
): () => string {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  const digits = new Uint8Array(RANDOM_DIGITS);
  let timeText = '';
  let lastMs = -1;

  const draw = (): void => {
    if (used + RANDOM_DIGITS > POOL_BYTES) {
      fillRandom(pool);
      used = 0;
    }
    for (let i = 0; i < RANDOM_DIGITS; i++) digits[i] = (pool[used + i] as number) & 31;
    used += RANDOM_DIGITS;
  };

  return () => {
    const nowMs = clock.nowMs();
    if (nowMs > lastMs) {
      lastMs = nowMs;
      timeText = encodeTime(nowMs);
      draw();
    } else if (!increment(digits)) {
      // 2^80 ids within a millisecond cannot happen by counting, only by drawing all ones: borrow the next millisecond.
      lastMs += 1;
      timeText = encodeTime(lastMs);
      draw();
    }
    let text = timeText;
    for (const digit of digits) text += ALPHABET[digit];
    return text;
  };
}

function encodeTime(ms: number): string {
  let text = '';
  for (let rest = ms, i = 0; i < TIME_DIGITS; i++) {
    text = (ALPHABET[rest % 32] as string) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** Adds one to the random part; false when all its digits were at their highest. */
function increment(digits: Uint8Array): boolean {
  for (let i = RANDOM_DIGITS - 1; i >= 0; i--) {
    const digit = digits[i] as number;
    if (digit < 31) {
      digits[i] = digit + 1;
      return true;
    }
    digits[i] = 0;
  }
  return false;
}
