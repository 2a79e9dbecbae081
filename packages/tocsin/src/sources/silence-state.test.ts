import { expect, it } from 'vitest';
import { requireSilenceTimes } from './silence-state.ts';

it.each([undefined, 'off', {}, { firstMs: 1000 }, { secondMs: 1000 }, { firstMs: 1000, secondMs: 1001 }] as const)(
  'takes %j',
  (silence) => {
    expect(() => requireSilenceTimes(silence)).not.toThrow();
  },
);

it.each([
  { firstMs: 1000, secondMs: 1000 },
  { firstMs: 60_000, secondMs: 1000 },
])('refuses %j: the second time comes after the first', (silence) => {
  expect(() => requireSilenceTimes(silence)).toThrow(expect.objectContaining({ code: 'api.bad_request' }));
});
