/** Settings of replays: how many, and how much they may keep. */
import { bytes, count, duration, settings } from '@tocsin/core/setting';

/** Bounds of replays. */
export const replays = settings({
  about: 'Replays: the log played again into a namespace of their own. What they find is kept until they are removed.',
  fields: {
    maxRunning: count({ about: 'Replays that run at once in one process; others wait. Each takes a thread.', default: 2, min: 1, max: 16 }),
    maxKept: count({ about: 'Replays of one tenant that are kept, with those that run.', default: 20, min: 1, max: 1000 }),
    runMaxBytes: bytes({ about: 'Most bytes that one replay may write; at the limit it ends.', default: '256MiB', min: 1 << 16 }),
    maxBytes: bytes({
      about:
        'Size limit of all replays together. Without room for another one, none can be started; those that run count as if they had written all they may.',
      default: '2GiB',
      min: 1 << 20,
    }),
    backtestWithin: duration({ about: 'Longest time that a backtest may take.', default: '30m', min: 1000 }),
  },
  rules: [
    {
      name: 'room for one replay',
      breach: (value: { runMaxBytes: number; maxBytes: number }) =>
        value.runMaxBytes <= value.maxBytes ? undefined : 'runMaxBytes must not be more than maxBytes',
    },
  ],
});
