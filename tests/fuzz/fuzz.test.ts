/** The fuzz run of every test run: the same inputs each time, so that it fails for a change of the code alone. Others: `npm run fuzz -- --seed S --inputs N`. */
import { expect, test } from 'vitest';
import { runFuzz } from './fuzz-run.ts';

const seed = 20_778;

test(`no input makes a decoder, a stream, a mapping or the OCSF builder give way (seed ${seed})`, { timeout: 600_000 }, () => {
  const report = runFuzz({ seed, inputs: 100_000 });
  expect(report.failures).toEqual([]);
  expect(report.kept).toBeGreaterThanOrEqual(2000);
  expect(report.mappingsHit).toBeGreaterThan(100);
  expect(report.peakHeapBytes).toBeLessThan(1024 * 1024 * 1024);
});
