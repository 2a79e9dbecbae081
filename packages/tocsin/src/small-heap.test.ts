import { strict as assert } from 'node:assert';
import { constants, type PerformanceEntry, PerformanceObserver, performance } from 'node:perf_hooks';
import { test } from 'vitest';
import { collectYoungGeneration } from './small-heap.ts';

function isMinor(collection: PerformanceEntry): boolean {
  // The type declares what is common to all entries.
  const { detail } = collection as PerformanceEntry & { readonly detail?: { readonly kind: number } };
  return detail?.kind === constants.NODE_PERFORMANCE_GC_MINOR;
}

test('the young generation is collected at once, and programs are given no function for it', async () => {
  const collections: PerformanceEntry[] = [];
  const reported = new Promise<void>((resolve) => {
    const observer = new PerformanceObserver((list) => {
      collections.push(...list.getEntries());
      observer.disconnect();
      resolve();
    });
    observer.observe({ entryTypes: ['gc'] });
  });
  const before = performance.now();
  collectYoungGeneration();
  const after = performance.now();
  await reported;
  const ours = collections.filter((each) => each.startTime >= before && each.startTime <= after && isMinor(each));
  assert.ok(ours.length > 0, `collections were ${JSON.stringify(collections)}`);
  assert.equal(Reflect.has(globalThis, 'gc'), false);
});
