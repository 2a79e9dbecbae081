import type { FrameHeader, Position } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { type CataloguedFrame, openFrameCatalogue } from './frame-catalogue.ts';

function frame(n: number, header: Partial<FrameHeader> = {}, duplicates = 0): CataloguedFrame {
  const whole: FrameHeader = {
    id: `f${n}`,
    tenant: 'acme',
    lane: 'live',
    partition: 3,
    epoch: 'E1',
    ordinal: 0,
    count: 10,
    minTimeMs: 1000,
    maxTimeMs: 2000,
    site: 'site',
    ...header,
  };
  const tally = {
    source: 'edr',
    events: whole.count - duplicates,
    duplicates,
    conflicts: 0,
    bytes: 100,
    lastTimeMs: 2000,
    lastReceivedMs: 3000 + n,
  };
  return { stream: 'EVENTS_LIVE', position: `p${n}` as Position, header: whole, sources: [tally] };
}

describe('frame catalogue', () => {
  it('adds up what each source sent', () => {
    using catalogue = openFrameCatalogue({ path: ':memory:' });
    catalogue.apply([frame(1), frame(2, { ordinal: 10 }, 4)]);
    expect(catalogue.sources('acme')).toEqual([
      { tenant: 'acme', source: 'edr', events: 16, duplicates: 4, conflicts: 0, bytes: 200, lastTimeMs: 2000, lastReceivedMs: 3002 },
    ]);
    expect(catalogue.sources('other')).toEqual([]);
    expect(catalogue.totals()).toEqual({ frames: 2, events: 20, duplicates: 4 });
    expect(catalogue.applied('EVENTS_LIVE')).toBe('p2');
  });

  it('counts a gap in the ordinals exactly and none where there is none', () => {
    using catalogue = openFrameCatalogue({ path: ':memory:' });
    catalogue.apply([frame(1), frame(2, { ordinal: 10 })]);
    expect(catalogue.gaps()).toEqual([]);
    catalogue.apply([frame(3, { ordinal: 27 })]);
    expect(catalogue.gaps()).toEqual([{ partition: 3, epoch: 'E1', missing: 7 }]);
  });

  it('forgets old frames and keeps the totals', () => {
    using catalogue = openFrameCatalogue({ path: ':memory:' });
    catalogue.apply([frame(1), frame(2, { ordinal: 10 })]);
    expect(catalogue.prune(3002)).toBe(1);
    expect(catalogue.totals().frames).toBe(2);
  });
});
