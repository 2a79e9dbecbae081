/** Turns, pace and gate: who goes when. Time is moved by the steps themselves. */
import { describe, expect, it } from 'vitest';
import { BulkPace } from './bulk-pace.ts';
import { DecodeTurns } from './decode-turns.ts';
import { createLaneGate } from './lane-gate.ts';

function ground() {
  let nowMs = 0;
  const done: string[] = [];
  const clock = { monotonicMs: () => nowMs };
  const turns = new DecodeTurns(clock);
  return {
    done,
    /** Each step takes 0.2 ms. */
    run: (owner: string, lane: 'live' | 'bulk', steps: number) =>
      turns.run({ owner, lane, steps }, (index) => {
        nowMs += 0.2;
        done.push(`${owner}${index}`);
      }),
  };
}

describe('turns of decoding', () => {
  it('does a small live batch at once, whatever bulk is under way', async () => {
    const { run, done } = ground();
    const bulk = run('b', 'bulk', 500);
    expect(run('l', 'live', 5)).toBeUndefined();
    expect(done.slice(-5)).toEqual(['l0', 'l1', 'l2', 'l3', 'l4']);
    await bulk;
    expect(done).toHaveLength(505);
  });

  it('cuts large batches into slices, so that others pass between, and keeps the order of each source', async () => {
    const { run, done } = ground();
    const first = run('a', 'live', 100);
    const second = run('a', 'live', 3);
    const other = run('c', 'live', 2);
    expect(first).toBeDefined();
    expect(second).toBeDefined();
    expect(other).toBeUndefined();
    await Promise.all([first, second]);
    const own = done.filter((step) => step.startsWith('a'));
    expect(own).toEqual([...Array.from({ length: 100 }, (_, i) => `a${i}`), 'a0', 'a1', 'a2']);
    expect(done.indexOf('c0')).toBeLessThan(done.indexOf('a99'));
  });

  it('goes on after a batch that failed, and tells its failure to its own sender', async () => {
    const turns = new DecodeTurns({ monotonicMs: () => 0 });
    const failing = turns.run({ owner: 'a', lane: 'bulk', steps: 1 }, () => {
      throw new Error('broken');
    });
    const next = turns.run({ owner: 'a', lane: 'bulk', steps: 1 }, () => undefined);
    await expect(failing).rejects.toThrow('broken');
    await next;
  });
});

describe('the pace of bulk', () => {
  it('pauses only while live batches come, longer when pauses end late, within bounds', () => {
    let nowMs = 0;
    const pace = new BulkPace({ monotonicMs: () => nowMs });
    expect(pace.pauseAfter(2)).toBe(0);
    pace.sawLive();
    expect(pace.pauseAfter(2)).toBe(8);
    for (let i = 0; i < 100; i++) pace.paused(8, 20);
    expect(pace.share).toBeCloseTo(0.04);
    for (let i = 0; i < 1000; i++) pace.paused(8, 8);
    expect(pace.share).toBeCloseTo(0.5);
    nowMs += 1001;
    expect(pace.pauseAfter(2)).toBe(0);
  });
});

describe('the gate of the lanes', () => {
  it('lets live go always, bulk when no live cycle is under way or after some of them, in small cycles', () => {
    let freed = 0;
    let nowMs = 0;
    const gate = createLaneGate({ monotonicMs: () => nowMs }, () => void (freed += 1));
    expect(gate.mayBegin('bulk')).toBe(true);
    expect(gate.begin('bulk').maxFrames).toBe(1000);
    gate.end('bulk');
    for (let i = 0; i < 3; i++) {
      gate.begin('live');
      expect(gate.mayBegin('bulk')).toBe(false);
      expect(gate.mayBegin('live')).toBe(true);
      gate.end('live');
    }
    expect(freed).toBe(3);
    gate.begin('live');
    expect(gate.mayBegin('bulk')).toBe(true);
    expect(gate.begin('bulk').maxFrames).toBe(8);
    nowMs = 2000;
    gate.end('live');
    expect(gate.begin('bulk').maxFrames).toBe(1000);
  });
});
