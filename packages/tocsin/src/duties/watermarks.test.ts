import { describe, expect, it } from 'vitest';
import { Watermarks } from './watermarks.ts';

describe('watermarks', () => {
  it('follow event time and never go back', () => {
    const marks = new Watermarks({ idleAfterMs: 10_000 });
    marks.observe('t/a', 1_000_000, 5);
    marks.observe('t/a', 900_000, 6);
    expect(marks.takeChanged()).toEqual({ 't/a': 1_000_000 });
    expect(marks.takeChanged()).toEqual({});
  });

  it('follow the clock while a source is idle, and not before', () => {
    const marks = new Watermarks({ idleAfterMs: 10_000 });
    marks.observe('t/a', 1_000_000, 2_000_000);
    marks.takeChanged();
    expect(marks.tick(2_005_000)).toBe(false);
    expect(marks.takeChanged()).toEqual({});
    expect(marks.tick(2_020_000)).toBe(true);
    expect(marks.takeChanged()).toEqual({ 't/a': 2_020_000 });
  });

  it('are taken over by the next owner of the partition', () => {
    const marks = new Watermarks({ idleAfterMs: 10_000 });
    marks.restore({ 't/a': 500 }, 1000);
    expect(marks.all()).toEqual({ 't/a': 500 });
    marks.observe('t/a', 400, 2000);
    expect(marks.all()).toEqual({ 't/a': 500 });
  });

  it('take nobody for idle who could not be heard while the owner was away', () => {
    const marks = new Watermarks({ idleAfterMs: 10_000, listeningSinceMs: 2_000_000 });
    marks.restore({ 't/a': 1_000_000 }, 1_000_500);
    expect(marks.tick(2_010_000)).toBe(false);
    marks.observe('t/a', 1_000_700, 2_010_000);
    expect(marks.all()).toEqual({ 't/a': 1_000_700 });
    expect(marks.tick(2_020_001)).toBe(true);
    expect(marks.all()).toEqual({ 't/a': 2_020_001 });
  });

  it('forget a source that has been silent for a day', () => {
    const marks = new Watermarks({ idleAfterMs: 10_000 });
    marks.observe('t/a', 0, 0);
    marks.tick(86_400_001);
    expect(marks.all()).toEqual({});
  });
});
