/** Keeping the heap of a starting program small: what start-up allocates once must not size the heap for good. */
import { setFlagsFromString } from 'node:v8';

/** V8's own default. */
const USUAL_GROWTH = 2;

/**
 * Holds the young generation at the size it has until the function it gives back is called. Loading and compiling would otherwise grow it to
 * its limit, 128 MiB with Node 24, and it does not shrink again (docs/performance.md). V8 takes this while it runs only: as an option of the
 * program it is raised to 2. It holds for all threads, so that one which begins has as good as no room for new objects.
 */
export function holdYoungGeneration(): () => void {
  setFlagsFromString('--semi-space-growth-factor=1');
  return () => setFlagsFromString(`--semi-space-growth-factor=${USUAL_GROWTH}`);
}

/** Lets it grow, for threads that begin, until the function it gives back is called. Threads have limits of their own. */
export function letYoungGenerationGrow(): () => void {
  setFlagsFromString(`--semi-space-growth-factor=${USUAL_GROWTH}`);
  return () => void holdYoungGeneration();
}
