import { describe, expect, it } from 'vitest';
import { LaneFeed } from './lane-feed.ts';

describe('a feed of both lanes', () => {
  it('gives live first, and bulk a little at a time while live items come', async () => {
    let nowMs = 0;
    const feed = new LaneFeed<string>(() => nowMs);
    for (let i = 0; i < 5; i++) void feed.put('bulk', `b${i}`);
    void feed.put('live', 'l0');
    expect(await feed.take(64, 0)).toEqual(['l0', 'b0']);
    expect(await feed.take(64, 0)).toEqual(['b1']);
    nowMs = 1000;
    expect(await feed.take(64, 0)).toEqual(['b2', 'b3', 'b4']);
  });

  it('makes the reader of a full lane wait, and of that lane only', async () => {
    const feed = new LaneFeed<number>();
    let full = true;
    for (let i = 0; i < 31; i++) await feed.put('bulk', i);
    void feed.put('bulk', 31).then(() => (full = false));
    await feed.put('live', 0);
    expect(full).toBe(true);
    expect(await feed.take(10, 0)).toEqual([0, 0]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(full).toBe(false);
  });

  it('lingers until there are enough, it has ended, or the time is over', async () => {
    const feed = new LaneFeed<number>();
    const enough = feed.take(3, 60_000, 60_000);
    for (const item of [1, 2, 3]) await feed.put('live', item);
    expect(await enough).toEqual([1, 2, 3]);
    await feed.put('live', 4);
    expect(await feed.take(3, 60_000, 5)).toEqual([4]);
    const ending = feed.take(3, 60_000, 60_000);
    await feed.put('live', 5);
    feed.end();
    expect(await ending).toEqual([5]);
  });

  it('lets the taker go with nothing when it is nudged', async () => {
    const feed = new LaneFeed<number>();
    const taken = feed.take(3, 60_000);
    feed.nudge();
    expect(await taken).toEqual([]);
    expect(feed.finished).toBe(false);
  });

  it('ends with what is left, then with the error', async () => {
    const feed = new LaneFeed<number>();
    void feed.put('live', 1);
    feed.end({ error: new Error('gone') });
    expect(await feed.take(10, 1000)).toEqual([1]);
    await expect(feed.take(10, 1000)).rejects.toThrow('gone');
  });
});
