/** Survey and lag on a memory bus: who is behind by how much, and where a reader that does not answer is taken to be. */
import { type Position, systemClock, TocsinError } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { openGround, PARTITIONS, storeEvents } from '../../test/ground.ts';
import { eventsFilter, matchesSubject } from '../subjects.ts';
import { topology } from '../topology.ts';
import { measureLag } from './lag.ts';
import { Survey } from './survey.ts';

const MIB = 1 << 20;
const declared = topology({
  inMaxBytes: 1 << 30,
  eventsMaxBytes: MIB,
  matchesMaxBytes: MIB,
  alertsMaxBytes: MIB,
  auditMaxBytes: MIB,
  deadLettersMaxBytes: MIB,
  replaysMaxBytes: MIB,
});
const thresholds = { warnAge: 1000, criticalAge: 60_000, warnEvents: 0, criticalEvents: 7 };

describe('lag', () => {
  it('is counted for each reader by itself, with its oldest message and its level', async () => {
    const { bus } = await openGround();
    for (let i = 0; i < 4; i++) await storeEvents(bus, [{ fields: {} }, { fields: {} }]);
    const positions: Position[] = [];
    for await (const stored of bus.read(eventsFilter('live'), 'first')) positions.push(stored.position);
    const step = { read: { live: positions[3] }, watermarks: {} };
    await bus.commit([{ subject: matchesSubject(0), id: 'step', body: Buffer.from(JSON.stringify(step)) }]);
    let isDown = false;
    const progress = async () => {
      if (isDown) throw new TocsinError('api.duty_down', { duty: 'store' });
      return { alerts: undefined, live: positions[0], bulk: undefined };
    };
    const survey = new Survey({
      bus,
      topology: declared,
      partitions: PARTITIONS,
      foldShards: 1,
      store: { progress },
      detect: { foldedTo: async () => undefined },
      isWanted: () => true,
    });
    const after = async (_: string, sequence: number) => ({
      frames: 4 - sequence,
      events: 2 * (4 - sequence),
      bytes: 100 * (4 - sequence),
    });
    const clock = { ...systemClock, nowMs: () => Date.now() + 5000 };
    const look = async () => {
      const lags = await measureLag({ bus, clock, store: { after }, thresholds }, await survey.look());
      return (reader: string, stream: string) => lags.find((lag) => lag.reader === reader && lag.stream === stream);
    };

    const found = await look();
    expect(found('match', 'EVENTS_LIVE')).toMatchObject({ messages: 0, events: 0, ageMs: 0, level: 'ok', isCurrent: true });
    expect(found('store', 'EVENTS_LIVE')).toMatchObject({ messages: 3, events: 6, bytes: 300, level: 'warn' });
    expect(found('store', 'EVENTS_LIVE')?.ageMs).toBeGreaterThanOrEqual(5000);
    expect(found('correlate', 'MATCHES')).toMatchObject({ messages: 1, events: 1, level: 'warn' });

    isDown = true;
    await storeEvents(bus, [{ fields: {} }, { fields: {} }]);
    const later = await look();
    expect(later('store', 'EVENTS_LIVE')).toMatchObject({ messages: 4, events: 8, level: 'critical', isCurrent: false });
    expect(later('match', 'EVENTS_LIVE')).toMatchObject({ messages: 1, level: 'warn' });
  });
});
