import type { Position } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { BlackBox } from './black-box.ts';
import { quarantinedDetectors, type Suspect } from './suspect.ts';
import { ThreadWatch } from './thread-watch.ts';

const at = 'local.EVENTS_LIVE.L.12' as Position;

function watch(residentBytes: () => number = () => 0): { watched: ThreadWatch; thread: BlackBox; ends: string[] } {
  const ends: string[] = [];
  // The timer is never due here: the test looks itself.
  const watched = new ThreadWatch({
    deadlineMs: 1e9,
    maxGrowthBytes: 100,
    residentBytes,
    end: (reason, { index }) => ends.push(`${reason} ${index}`),
  });
  return { watched, thread: new BlackBox(watched.box.memory), ends };
}

describe('thread watch', () => {
  it('ends a thread that is at the same piece of work for a deadline, and says what it was at', () => {
    const { watched, thread, ends } = watch();
    thread.enter('judging', at);
    thread.at(3, 1);
    for (let i = 0; i < 5; i++) watched.look();
    expect(ends).toEqual([]);
    watched.look();
    watched.look();
    expect(ends).toEqual(['deadline 3']);
    expect(watched.suspect('crashed')).toEqual({ phase: 'judging', position: at, index: 3, detector: 1, reason: 'deadline' });
    watched[Symbol.dispose]();
  });

  it('leaves alone what gets on, what is idle, and what compiles rules on first use', () => {
    const { watched, thread, ends } = watch();
    for (let i = 0; i < 50; i++) {
      thread.enter('judging', at);
      watched.look();
      thread.leave();
      watched.look();
    }
    for (let i = 0; i < 50; i++) watched.look();
    thread.enter('warming', at);
    for (let i = 0; i < 50; i++) watched.look();
    expect(ends).toEqual([]);
    thread.leave();
    expect(watched.suspect('crashed')).toBeUndefined();
    watched[Symbol.dispose]();
  });

  it('ends a thread under which the process grows', () => {
    let bytes = 1000;
    const { watched, thread, ends } = watch(() => bytes);
    thread.enter('folding', at);
    watched.look();
    bytes = 1101;
    watched.look();
    expect(ends).toEqual(['memory -1']);
    expect(watched.suspect('crashed')?.reason).toBe('memory');
    watched[Symbol.dispose]();
  });

  it('puts a detector in quarantine that has ended five threads, and no other', () => {
    const suspect = (detector: number): Suspect => ({ phase: 'judging', position: at, index: 0, detector, reason: 'deadline' });
    const suspects = [
      ...Array.from({ length: 5 }, () => suspect(1)),
      ...Array.from({ length: 4 }, () => suspect(0)),
      ...Array.from({ length: 9 }, () => suspect(-1)),
    ];
    expect([...quarantinedDetectors(suspects).keys()]).toEqual([1]);
  });
});
