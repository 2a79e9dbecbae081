import { describe, expect, it } from 'vitest';
import type { RecordResult, Source } from '../source.ts';
import { LagHistogram } from './lag-histogram.ts';
import { SourceActivity, type TakenBatch } from './source-activity.ts';

const source: Source = { tenant: 'acme', name: 'web01', format: 'auto', lane: 'live', shard: '', credential: 'abcdef0123456789' };
const stored: RecordResult = { status: 'stored', id: 'a', at: { position: 'p' as never, index: 0 } };
const bad: RecordResult = { status: 'rejected', code: 'decode.bad_json', reason: 'x' };

function bench() {
  let nowMs = 1_000_000;
  const activity = new SourceActivity({ nowMs: () => nowMs, monotonicMs: () => nowMs });
  const event = (lagMs: number, flags: TakenBatch['events'][number]['flags'] = []) => ({
    timeMs: nowMs - lagMs,
    receivedMs: nowMs,
    classUid: 3002,
    flags,
  });
  return { activity, event, wait: (ms: number) => void (nowMs += ms), nowMs: () => nowMs };
}

describe('activity of sources', () => {
  it('counts what became of records and when something was taken', () => {
    const { activity, event, wait } = bench();
    activity.took(source, {
      bytes: 100,
      results: [stored, bad, { status: 'dropped', rule: 'noise' }],
      events: [event(500, ['secret_found'])],
    });
    wait(5000);
    activity.took(source, { bytes: 10, results: [bad], events: [] });
    activity.droppedBefore(source, 7);
    const [facts] = activity.facts('acme');
    expect(facts).toMatchObject({
      records: 4,
      bytes: 110,
      stored: 1,
      dropped: 1,
      droppedBy: { noise: 1 },
      droppedByProducer: 7,
      secrets: 1,
      rejected: { 'decode.bad_json': 2 },
    });
    // What is rejected is heard, but it is nothing that was taken.
    expect(facts).toMatchObject({ lastTakenMs: 1_000_000, lastHeardMs: 1_005_000, credentials: { abcdef012345: 1_005_000 } });
    expect(activity.facts('globex')).toEqual([]);
  });

  it('tells the rate of the last minute and forgets it', () => {
    const { activity, wait } = bench();
    for (let second = 0; second < 600; second++) {
      activity.took(source, { bytes: 1000, results: Array.from({ length: 10 }, () => stored), events: [] });
      wait(1000);
    }
    expect(activity.facts()[0]?.eventsPerSecond).toBeCloseTo(10, 0);
    expect(activity.facts()[0]?.bytesPerSecond).toBeGreaterThan(980);
    wait(600_000);
    expect(activity.facts()[0]?.eventsPerSecond).toBe(0);
  });

  it('tells the lag of event time, without events that have none of their own', () => {
    const { activity, event } = bench();
    activity.took(source, { bytes: 1, results: [stored], events: [event(0, ['time_missing'])] });
    expect(activity.facts()[0]?.lag).toBeUndefined();
    activity.took(source, { bytes: 1, results: [stored, stored, stored], events: [event(60_000), event(2000), event(2100)] });
    expect(activity.facts()[0]?.lag).toMatchObject({ newestMs: 2000, maxMs: 60_000 });
    const medianMs = activity.facts()[0]?.lag?.medianMs ?? 0;
    expect(Math.abs(medianMs - 2100) / 2100).toBeLessThan(0.15);
  });
});

describe('lags', () => {
  it('forgets what was long ago', () => {
    const lags = new LagHistogram();
    expect(lags.medianMs).toBeUndefined();
    for (let i = 0; i < 10_000; i++) lags.add(1_000_000);
    for (let i = 0; i < 10_000; i++) lags.add(0);
    expect(lags.medianMs).toBe(0);
    lags.add(Number.MAX_SAFE_INTEGER);
  });
});
