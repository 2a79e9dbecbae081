/** Keeping the heap of a starting program small: what start-up allocates once must not size the heap for good. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** V8's own default. */
const USUAL_GROWTH = 2;
/** After the start, so that what waits for it does not wait for this. Milliseconds. */
const TIDY_AFTER_MS = 500;

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

/**
 * Has the heap of this thread give back, some seconds from now, what starting took. V8 does so by itself, in steps between which the thread
 * works, once a collection has told it that little is going on; a thread that was started and has nothing to do has none.
 */
export function tidyHeapAfterStart(): void {
  setTimeout(collectYoungGeneration, TIDY_AFTER_MS).unref();
}

/** Collects the young generation of this thread. Does nothing where V8 does not offer it. */
export function collectYoungGeneration(): void {
  // The flag adds `gc` to contexts that are made from now on. It stays: threads do this at the same time, and one would take it from another.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('globalThis.gc') as ((options: { readonly type: 'minor' }) => void) | undefined;
  collect?.({ type: 'minor' });
}
