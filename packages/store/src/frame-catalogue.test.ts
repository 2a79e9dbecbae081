import type { FrameHeader, Position } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { type CataloguedFrame, type FrameCatalogue, openFrameCatalogue } from './frame-catalogue.ts';

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
  return { stream: 'EVENTS_LIVE', position: `p${n}` as Position, sequence: n, bytes: 50, header: whole, sources: [tally] };
}

/** Applies frames of the stream, read up to the last of them. */
function apply(catalogue: FrameCatalogue, frames: readonly CataloguedFrame[]): void {
  catalogue.apply('EVENTS_LIVE', frames.at(-1)?.position as Position, frames);
}

describe('frame catalogue', () => {
  it('adds up what each source sent', () => {
    using catalogue = openFrameCatalogue({ path: ':memory:' });
    apply(catalogue, [frame(1), frame(2, { ordinal: 10 }, 4)]);
    expect(catalogue.sources('acme')).toEqual([
      { tenant: 'acme', source: 'edr', events: 16, duplicates: 4, conflicts: 0, bytes: 200, lastTimeMs: 2000, lastReceivedMs: 3002 },
    ]);
    expect(catalogue.sources('other')).toEqual([]);
    expect(catalogue.totals()).toEqual({ frames: 2, events: 20, duplicates: 4 });
    expect(catalogue.applied('EVENTS_LIVE')).toBe('p2');
  });

  it('counts a gap in the ordinals exactly and none where there is none', () => {
    using catalogue = openFrameCatalogue({ path: ':memory:' });
    apply(catalogue, [frame(1), frame(2, { ordinal: 10 })]);
    expect(catalogue.gaps()).toEqual([]);
    apply(catalogue, [frame(3, { ordinal: 27 })]);
    expect(catalogue.gaps()).toEqual([{ partition: 3, epoch: 'E1', missing: 7, removed: 0 }]);
  });

  it('forgets old frames and keeps the totals', () => {
    using catalogue = openFrameCatalogue({ path: ':memory:' });
    apply(catalogue, [frame(1), frame(2, { ordinal: 10 })]);
    expect(catalogue.kept()).toEqual([{ tenant: 'acme', frames: 2, events: 20, bytes: 100 }]);
    expect(catalogue.forget({ stream: 'EVENTS_LIVE', upTo: 1 })).toBe(1);
    expect(catalogue.kept()).toEqual([{ tenant: 'acme', frames: 1, events: 10, bytes: 50 }]);
    expect(catalogue.totals().frames).toBe(2);
    expect(catalogue.after('EVENTS_LIVE', 1)).toEqual({ frames: 1, events: 10, bytes: 50 });
  });

  it('takes what a hole of the log has swallowed for removed, not for refused', () => {
    using catalogue = openFrameCatalogue({ path: ':memory:' });
    // The head of the log is gone, then one tenant's frames in the middle; the last gap is one of ordinals alone.
    apply(catalogue, [frame(5, { ordinal: 40 }), frame(6, { ordinal: 50 })]);
    apply(catalogue, [frame(9, { ordinal: 80 }), frame(10, { ordinal: 93 })]);
    apply(catalogue, [frame(11, { epoch: 'E2', partition: 4, ordinal: 0 }), frame(12, { epoch: 'E2', partition: 4, ordinal: 11 })]);
    expect(catalogue.gaps()).toEqual([
      { partition: 3, epoch: 'E1', missing: 3, removed: 60 },
      { partition: 4, epoch: 'E2', missing: 1, removed: 0 },
    ]);
  });

  it("names the oldest of one tenant's frames that make so many bytes, and forgets his alone", () => {
    using catalogue = openFrameCatalogue({ path: ':memory:' });
    apply(catalogue, [frame(1), frame(2, { tenant: 'globex' }), frame(3, { ordinal: 10 }), frame(4, { ordinal: 20 })]);
    expect(catalogue.oldest('acme', { bytes: 60, events: 0, beforeMs: 0 })).toEqual([
      { stream: 'EVENTS_LIVE', sequence: 3, position: 'p3' },
    ]);
    expect(catalogue.oldest('nobody', { bytes: 60, events: 0, beforeMs: 0 })).toEqual([]);
    expect(catalogue.oldest('acme', { bytes: 0, events: 0, beforeMs: 3002 })).toEqual([
      { stream: 'EVENTS_LIVE', sequence: 1, position: 'p1' },
    ]);
    expect(catalogue.oldest('acme', { bytes: 0, events: 11, beforeMs: 0 })).toMatchObject([{ sequence: 3 }]);
    expect(catalogue.oldest('acme', { bytes: 0, events: 0, beforeMs: 0 })).toEqual([]);
    expect(catalogue.forget({ stream: 'EVENTS_LIVE', upTo: 3, tenant: 'acme' })).toBe(2);
    expect(catalogue.kept().map(({ tenant, frames }) => [tenant, frames])).toEqual([
      ['acme', 1],
      ['globex', 1],
    ]);
  });
});
