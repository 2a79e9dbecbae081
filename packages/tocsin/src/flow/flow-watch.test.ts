/** Making room on demand: rounds over a stream whose readers are where the test says they are. */
import { systemClock } from '@tocsin/core';
import { afterEach, describe, expect, it } from 'vitest';
import { openGround } from '../../test/ground.ts';
import { FlowWatch } from './flow-watch.ts';
import type { KeeperRound } from './retention-keeper.ts';
import type { SurveyedStream } from './survey.ts';

const FULL = 'EVENTS_LIVE';

let watch: FlowWatch | undefined;
afterEach(async () => {
  await watch?.[Symbol.asyncDispose]();
  watch = undefined;
});

/** A watch whose nth look, from 1, finds readers at these numbers and removes something of these streams. */
async function open(look: (n: number) => { readonly readers: Readonly<Record<string, number>>; readonly shrunk?: readonly string[] }) {
  const { bus } = await openGround();
  for (let i = 0; i < 50; i++) await bus.commit([{ subject: 'tocsin.retry.x', id: `m${i}`, body: Buffer.from('{}') }]);
  const { last } = await bus.info('tocsin.retry.>');
  const counts = { looks: 0 };
  const surveyed = (): SurveyedStream[] => {
    counts.looks += 1;
    const readers = Object.entries(look(counts.looks).readers).map(([name, sequence]) => ({ name, sequence, isCurrent: true }));
    return [{ name: FULL, filter: 'tocsin.retry.>', maxBytes: 1, messages: 50, bytes: 1, first: undefined, last, readers }];
  };
  const round = (): KeeperRound => ({ removed: 0, shrunk: new Set(look(counts.looks).shrunk), alarms: [], kept: undefined });
  watch = new FlowWatch({
    bus,
    clock: systemClock,
    store: { after: async () => ({ frames: 0, events: 0, bytes: 0 }) },
    thresholds: { warnAge: 1000, criticalAge: 60_000, warnEvents: 0, criticalEvents: 7 },
    survey: { look: async () => surveyed() },
    keeper: { round: async () => round() },
    everyMs: 3_600_000,
    onTrouble: (error) => expect.unreachable(String(error)),
    onNews: () => undefined,
  });
  return { watch, counts };
}

describe('making room', () => {
  it('is given up when the last reader stands still, though another reads on', async () => {
    const { watch, counts } = await open((n) => ({ readers: { store: 1, match: n } }));
    expect(await watch.makeRoom(FULL)).toBe(false);
    expect(counts.looks).toBe(3);
  });

  it('goes on while the last reader reads on, until something of the stream was removed', async () => {
    const { watch, counts } = await open((n) => ({ readers: { store: n, match: 50 }, shrunk: n === 5 ? [FULL] : ['ALERTS'] }));
    expect(await watch.makeRoom(FULL)).toBe(true);
    expect(counts.looks).toBe(5);
  });

  it('is one search for all who are refused meanwhile', async () => {
    const { watch, counts } = await open(() => ({ readers: { store: 1 } }));
    expect(await Promise.all(Array.from({ length: 100 }, () => watch.makeRoom(FULL)))).toEqual(Array(100).fill(false));
    expect(counts.looks).toBe(3);
  });

  it('ends with the watch', async () => {
    const { watch, counts } = await open((n) => ({ readers: { store: n } }));
    const making = watch.makeRoom(FULL);
    await expect.poll(() => counts.looks).toBeGreaterThan(0);
    await watch[Symbol.asyncDispose]();
    expect(await making).toBe(false);
  });
});
