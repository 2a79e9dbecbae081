/**
 * The fuzz run of every test run. Its seed is the commit's (`fuzz-seed.ts`): each commit brings other inputs, and the same ones whenever it is
 * tested again.
 */
import { expect, test } from 'vitest';
import { runFuzz } from './fuzz-run.ts';
import { fuzzCommand, fuzzSeed } from './fuzz-seed.ts';

const seed = fuzzSeed(process.env['TOCSIN_FUZZ_SEED']);
const INPUTS = 100_000;

test(`no input makes a decoder, a stream, a mapping or the OCSF builder give way (seed ${seed})`, { timeout: 600_000 }, () => {
  const report = runFuzz({ seed, inputs: INPUTS });
  expect(report.failures, `done again by: ${fuzzCommand(seed, INPUTS)}`).toEqual([]);
  expect(report.kept).toBeGreaterThanOrEqual(2000);
  expect(report.mappingsHit).toBeGreaterThan(100);
  expect(report.peakHeapBytes).toBeLessThan(1024 * 1024 * 1024);
});

test('the seed is the given one, else the commit’s, else always the same', () => {
  expect(fuzzSeed('7', () => 'ffffffff')).toBe(7);
  expect(fuzzSeed('x', () => 'ffffffff')).toBe(0xfffffff);
  expect(fuzzSeed(undefined, () => '')).toBe(fuzzSeed('', () => 'no commit'));
});
