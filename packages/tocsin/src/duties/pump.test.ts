import { describe, expect, it } from 'vitest';
import { Pump } from './pump.ts';

describe('pump', () => {
  it('gives what has gathered, in order, at most so many', async () => {
    const pump = new Pump<number>(10);
    for (let i = 1; i <= 5; i++) await pump.put(i);
    expect(await pump.take(3, 0)).toEqual([1, 2, 3]);
    expect(await pump.take(3, 0)).toEqual([4, 5]);
    expect(pump.finished).toBe(false);
  });

  it('makes the reader wait while it is full', async () => {
    const pump = new Pump<number>(2);
    await pump.put(1);
    let hasRoom = false;
    const second = pump.put(2).then(() => (hasRoom = true));
    await Promise.resolve();
    expect(hasRoom).toBe(false);
    await pump.take(1, 0);
    await second;
    expect(hasRoom).toBe(true);
  });

  it('wakes the taker for an item and gives nothing after its wait', async () => {
    const pump = new Pump<number>(2);
    const taken = pump.take(5, 60_000);
    await pump.put(7);
    expect(await taken).toEqual([7]);
    expect(await pump.take(5, 5)).toEqual([]);
  });

  it('hands out what is left before it ends, frees waiting readers, and takes no more', async () => {
    const pump = new Pump<number>(1);
    const waiting = pump.put(1);
    pump.end();
    await waiting;
    await pump.put(2);
    expect(pump.finished).toBe(false);
    expect(await pump.take(5, 0)).toEqual([1]);
    expect(pump.finished).toBe(true);
    expect(await pump.take(5, 60_000)).toEqual([]);
  });

  it('throws a failure once everything before it was taken', async () => {
    const pump = new Pump<number>(5);
    await pump.put(1);
    pump.end({ error: new Error('cut off') });
    pump.end();
    expect(await pump.take(5, 0)).toEqual([1]);
    expect(pump.finished).toBe(false);
    await expect(pump.take(5, 0)).rejects.toThrow('cut off');
  });
});
