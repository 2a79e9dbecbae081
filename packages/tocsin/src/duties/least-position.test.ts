/** How far several have come together: one that has reached nothing holds all back, wherever it stands. */
import { strict as assert } from 'node:assert';
import { encodePosition } from '@tocsin/bus';
import { test } from 'vitest';
import { leastPosition } from './least-position.ts';

const at = (sequence: number) => encodePosition({ site: 'vienna', stream: 'MATCHES', generation: 'a1', sequence });

test('the slowest counts', () => {
  assert.equal(leastPosition([at(7), at(3), at(9)]), at(3));
  assert.equal(leastPosition([at(3), at(7)]), at(3));
});

test('one that has reached nothing holds all back, be it first, last or between', () => {
  assert.equal(leastPosition([undefined, at(7)]), undefined);
  assert.equal(leastPosition([at(7), undefined]), undefined);
  assert.equal(leastPosition([at(7), undefined, at(9)]), undefined);
});

test('nobody has reached nothing', () => {
  assert.equal(leastPosition([]), undefined);
});
