/** A recording's own spacing, compressed: hours become seconds, long silences short ones, bursts stay bursts. */

/**
 * A slot number, 0 to `slots` − 1, per event, in the order given. Silences longer than `maxGapMs` are cut to it; an event without a
 * time, or older than the one before it, comes together with the one before it.
 */
export function spreadOverSlots(timesMs: readonly (number | undefined)[], options: { slots: number; maxGapMs: number }): number[] {
  let passed = 0;
  let lastMs: number | undefined;
  const offsets = timesMs.map((timeMs) => {
    if (timeMs === undefined) return passed;
    passed += Math.min(options.maxGapMs, Math.max(0, timeMs - (lastMs ?? timeMs)));
    lastMs = Math.max(timeMs, lastMs ?? timeMs);
    return passed;
  });
  // Without any spacing of its own a recording is played evenly.
  if (passed === 0) return timesMs.map((_, i) => Math.floor((i / timesMs.length) * options.slots));
  return offsets.map((offset) => Math.min(options.slots - 1, Math.floor((offset / passed) * options.slots)));
}
