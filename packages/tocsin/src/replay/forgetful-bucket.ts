/** A bucket that keeps nothing: for state that a replay can always make anew from what it has written. */
import type { StateBucket } from '@tocsin/bus';

/** Takes every value and has none. */
export const forgetfulBucket: StateBucket = {
  get: () => Promise.resolve(undefined),
  put: (_key, _value, expected) => Promise.resolve(expected),
  delete: () => Promise.resolve(),
  keys: () => Promise.resolve([]),
  watch: ({ signal } = {}) => ({
    [Symbol.asyncIterator]: () => ({
      async next() {
        if (signal?.aborted !== true) await new Promise((resolve) => signal?.addEventListener('abort', resolve, { once: true }));
        return { done: true, value: undefined };
      },
    }),
  }),
};
