/** Keeping the heap of a starting program small: what start-up allocates once must not size the heap for good. */
import { setFlagsFromString } from 'node:v8';

/** V8's own default. */
const USUAL_GROWTH = 2;

/**
 * Holds the young generation at its first size until the function it gives back is called. Loading and compiling would otherwise grow it to
 * its limit, and it does not shrink again: 40 MiB less of 240 with Node 24 (docs/performance.md). Threads have limits of their own.
 */
export function holdYoungGeneration(): () => void {
  setFlagsFromString('--semi-space-growth-factor=1');
  return () => setFlagsFromString(`--semi-space-growth-factor=${USUAL_GROWTH}`);
}
