/** The framer: cycles, order, ordinals, failures, bounds. Its commit is a function that the test answers. */
import { partitionOf, TocsinError } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { holdFramer, readFrame, recordsOf } from '../test/framer-fixture.ts';
import { createFrameOrdinals } from './frame-ordinals.ts';
import type { FramerKey } from './framer.ts';

const key: FramerKey = { tenant: 'acme', lane: 'live', source: 's', shard: '' };
const full = new TocsinError('bus.full', { stream: 'EVENTS_LIVE' });
const unknown = new TocsinError('bus.unknown', { subject: 'x', waitedMs: 1 });

describe('a framer', () => {
  it('sends what comes in one turn as one cycle, one frame per tenant and partition', async () => {
    const { framer, commits, until } = holdFramer();
    const added = [
      framer.add(key, recordsOf(['a', 'b'])),
      framer.add({ ...key, tenant: 'other' }, recordsOf(['c'])),
      framer.add(key, recordsOf(['d'])),
    ];
    await until(1);
    commits[0]?.store();
    const partition = partitionOf('acme', 's', '', 4);
    expect(commits.flatMap((commit) => commit.frames.map(readFrame))).toMatchObject([
      { id: `EPOCH.${partition}.live.0`, tenant: 'acme', partition, ordinal: 0, ids: ['a', 'b', 'd'] },
      { tenant: 'other', ids: ['c'] },
    ]);
    expect(await Promise.all(added)).toEqual([
      [
        { position: 'p0', index: 0 },
        { position: 'p0', index: 1 },
      ],
      [{ position: 'p1', index: 0 }],
      [{ position: 'p0', index: 2 }],
    ]);
    expect(framer.queuedBytes).toBe(0);
  });

  it('fills the next cycle while one is in flight and keeps the order', async () => {
    const { framer, commits, until } = holdFramer();
    const first = framer.add(key, recordsOf(['1']));
    await until(1);
    const rest = ['2', '3', '4'].map((id) => framer.add(key, recordsOf([id])));
    commits[0]?.store();
    await until(2);
    commits[1]?.store();
    await Promise.all([first, ...rest]);
    expect(commits.map((commit) => commit.frames.map((frame) => readFrame(frame).ids))).toEqual([[['1']], [['2', '3', '4']]]);
    expect(commits.map((commit) => commit.frames.map((frame) => readFrame(frame).ordinal))).toEqual([[0], [1]]);
  });

  it('never has two cycles of a lane in flight: the later could overtake the earlier', async () => {
    const { framer, commits, until } = holdFramer();
    const first = framer.add(key, recordsOf(['1']));
    await until(1);
    const second = framer.add(key, recordsOf(['2']));
    // The other lane's commit shows that a whole round of the loop has passed.
    const other = framer.add({ ...key, lane: 'bulk' }, recordsOf(['b']));
    await until(2);
    expect(commits.map((commit) => commit.frames[0]?.lane)).toEqual(['live', 'bulk']);
    commits[0]?.store();
    await until(3);
    commits[1]?.store();
    commits[2]?.store();
    await Promise.all([first, second, other]);
    expect(readFrame(commits[2]?.frames[0] as never).ids).toEqual(['2']);
  });

  it('commits each lane on its own', async () => {
    const { framer, commits, until } = holdFramer();
    const added = [framer.add(key, recordsOf(['a'])), framer.add({ ...key, lane: 'bulk' }, recordsOf(['b']))];
    await until(2);
    for (const commit of commits) commit.store();
    await Promise.all(added);
    expect(commits.map((commit) => commit.frames.map((frame) => readFrame(frame)))).toMatchObject([
      [{ lane: 'live', ordinal: 0 }],
      [{ lane: 'bulk', ordinal: 0 }],
    ]);
  });

  it('cuts frames at 512 events and at 256 KiB, and sends a large event alone', async () => {
    const { framer, commits, until } = holdFramer();
    const added = framer.add(key, [
      ...recordsOf(Array.from({ length: 600 }, (_, i) => `${i}`)),
      ...recordsOf(['big'], 1_000_000),
      ...recordsOf(['x', 'y'], 200_000),
    ]);
    await until(1);
    commits[0]?.store();
    expect(commits[0]?.frames.map((frame) => readFrame(frame).ids.length)).toEqual([512, 88, 1, 1, 1]);
    expect(commits[0]?.frames.map((frame) => readFrame(frame).ordinal)).toEqual([0, 512, 600, 601, 602]);
    const positions = await added;
    expect([positions.length, positions[512], positions[602]]).toEqual([603, { position: 'p1', index: 0 }, { position: 'p4', index: 0 }]);
  });

  it('puts no more than 1000 frames into a commit, one of each tenant before a second of any', async () => {
    const { framer, commits, until } = holdFramer();
    const flood = framer.add({ ...key, tenant: 'flood' }, recordsOf(Array.from({ length: 1024 }, (_, i) => `f${i}`)));
    const others = Array.from({ length: 1200 }, (_, i) => framer.add({ ...key, tenant: `t${i}` }, recordsOf(['x'])));
    await until(1);
    commits[0]?.store();
    await until(2);
    commits[1]?.store();
    await Promise.all([flood, ...others]);
    expect(commits.map((commit) => commit.frames.length)).toEqual([1000, 202]);
    expect(commits.map((commit) => commit.frames.filter((frame) => frame.tenant === 'flood').length)).toEqual([1, 1]);
  });

  it('rejects exactly the waiters of a failed cycle', async () => {
    const { framer, commits, until } = holdFramer();
    const first = framer.add(key, recordsOf(['1']));
    await until(1);
    const second = framer.add(key, recordsOf(['2']));
    commits[0]?.fail(unknown);
    await expect(first).rejects.toBe(unknown);
    await until(2);
    commits[1]?.store();
    expect(await second).toEqual([{ position: 'p0', index: 0 }]);
    expect(framer.queuedBytes).toBe(0);
  });

  it('gives up an ordinal for good after an unknown outcome and takes it back after a certain refusal', async () => {
    for (const [error, ordinal] of [
      [unknown, 1],
      [full, 0],
    ] as const) {
      const { framer, commits, until } = holdFramer();
      const first = framer.add(key, recordsOf(['1']));
      await until(1);
      commits[0]?.fail(error);
      await expect(first).rejects.toBe(error);
      const second = framer.add(key, recordsOf(['2']));
      await until(2);
      commits[1]?.store();
      await second;
      const frames = commits.map((commit) => readFrame(commit.frames[0] as never));
      expect(frames[1]?.ordinal).toBe(ordinal);
      expect(frames[1]?.id).not.toBe(frames[0]?.id);
    }
  });

  it('does not send the rest of an addition that has failed', async () => {
    const { framer, commits, until } = holdFramer();
    const added = framer.add(
      key,
      recordsOf(
        Array.from({ length: 12 }, (_, i) => `${i}`),
        1_000_000,
      ),
    );
    await until(1);
    expect(commits[0]?.frames.length).toBeLessThan(12);
    commits[0]?.fail(unknown);
    await expect(added).rejects.toBe(unknown);
    const next = framer.add(key, recordsOf(['next']));
    await until(2);
    commits[1]?.store();
    await next;
    expect(commits[1]?.frames.map((frame) => readFrame(frame).ids)).toEqual([['next']]);
    expect(framer.queuedBytes).toBe(0);
  });

  it('refuses what exceeds its bytes and takes more when there is room again', async () => {
    const { framer, commits, until } = holdFramer({ maxQueuedBytes: 1500 });
    const first = framer.add(key, recordsOf(['1'], 1000));
    await expect(framer.add(key, recordsOf(['2'], 1000))).rejects.toMatchObject({ code: 'ingest.overloaded' });
    await until(1);
    commits[0]?.store();
    await first;
    const third = framer.add(key, recordsOf(['3'], 1000));
    await until(2);
    commits[1]?.store();
    expect(await third).toHaveLength(1);
  });

  it('drains: takes no more, sends what waits, resolves at the end', async () => {
    const { framer, commits, until } = holdFramer();
    const first = framer.add(key, recordsOf(['1']));
    await until(1);
    const second = framer.add(key, recordsOf(['2']));
    const drained = framer.drain();
    await expect(framer.add(key, recordsOf(['3']))).rejects.toMatchObject({ code: 'ingest.closing' });
    commits[0]?.store();
    await until(2);
    commits[1]?.store();
    await Promise.all([first, second, drained]);
    await framer[Symbol.asyncDispose]();
    expect(commits.length).toBe(2);
  });

  it('rejects what cannot be encoded and sends the rest', async () => {
    const tooLarge = new TocsinError('bus.too_large', { subject: 'x', bytes: 2, maxBytes: 1 });
    const { framer, commits, until } = holdFramer({
      encode: (fields) => {
        if (fields.tenant === 'bad') throw tooLarge;
        return new Uint8Array(1);
      },
    });
    const bad = framer.add({ ...key, tenant: 'bad' }, recordsOf(['1']));
    const good = framer.add(key, recordsOf(['2']));
    await expect(bad).rejects.toBe(tooLarge);
    await until(1);
    commits[0]?.store();
    expect(await good).toHaveLength(1);
  });

  it('rejects everybody where a commit answers for too few frames', async () => {
    const { framer } = holdFramer({ commit: () => Promise.resolve([]) });
    await expect(framer.add(key, recordsOf(['1']))).rejects.toMatchObject({ code: 'ingest.internal' });
  });
});

describe('frame ordinals', () => {
  it('are taken back through every released range that nothing stored follows', () => {
    const ordinals = createFrameOrdinals();
    const leases = [5, 7, 2].map((events) => ordinals.take(0, events));
    leases[1]?.release();
    expect(ordinals.take(0, 1)).toMatchObject({ frame: 3, ordinal: 14 });
    const last = ordinals.take(0, 1);
    last.release();
    expect(ordinals.take(0, 1)).toMatchObject({ frame: 5, ordinal: 15 });
    expect(ordinals.take(1, 1)).toMatchObject({ frame: 0, ordinal: 0 });
  });
});
