import { expect, test } from 'vitest';
import { latencyOf } from './latency.ts';

test('percentiles are times that were measured', () => {
  expect(latencyOf([5])).toEqual({ p50: 5, p99: 5 });
  expect(latencyOf([4, 1, 3, 2])).toEqual({ p50: 2, p99: 4 });
  expect(latencyOf(Array.from({ length: 1000 }, (_, i) => i + 1))).toEqual({ p50: 500, p99: 990 });
});

test('without times there is no latency', () => {
  expect(latencyOf([])).toBeUndefined();
});
