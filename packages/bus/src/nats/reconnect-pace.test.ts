/** The pace of dials, under the rule by which the client applies it and a wall clock that is set. */
import { expect, test } from 'vitest';
import { reconnectPace } from './reconnect-pace.ts';

/** Dials within 10 s, milliseconds of the monotonic clock, as `dialLoop` makes them while nobody answers. */
function dials(wallOf: (monotonicMs: number) => number): number[] {
  let nowMs = 0;
  const pace = reconnectPace({ waitMs: 100, monotonicMs: () => nowMs, random: () => 0 });
  const found: number[] = [];
  let lastConnect = 0;
  while (nowMs < 10_000) {
    const wait = pace();
    const wall = wallOf(nowMs);
    if (lastConnect === 0 || lastConnect + wait <= wall) {
      lastConnect = wall;
      found.push(nowMs);
      // A dial that fails takes a moment.
      nowMs += 1;
    } else nowMs += Math.max(1, Math.min(wait, lastConnect + wait - wall));
  }
  return found;
}

test.each([
  ['that goes on', (ms: number) => 1e12 + ms],
  ['that is set back by minutes', (ms: number) => (ms < 500 ? 1e12 : 1e12 - 240_000) + ms],
  ['that is set forward by minutes', (ms: number) => (ms < 500 ? 1e12 : 1e12 + 240_000) + ms],
])('dials go on about as often under a clock %s', (_, wallOf) => {
  const at = dials(wallOf);
  expect(at.length).toBeGreaterThan(45);
  expect(at.length).toBeLessThan(110);
  expect(Math.max(...at.slice(1).map((ms, i) => ms - (at[i] ?? 0)))).toBeLessThanOrEqual(220);
});
