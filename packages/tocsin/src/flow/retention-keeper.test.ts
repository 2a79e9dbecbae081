/** The keeper on a memory bus whose streams are small: what was read goes, what was not stays or goes with a record of it. */
import { type CompleteBus, encodeFrame } from '@tocsin/bus';
import { createMemoryBus, MemoryServer } from '@tocsin/bus/memory';
import { isTocsinError, systemClock } from '@tocsin/core';
import { openFrameCatalogue } from '@tocsin/store';
import { describe, expect, it } from 'vitest';
import type { AuditRecord } from '../security/audit-trail.ts';
import { eventsFilter, eventsSubject, matchesSubject } from '../subjects.ts';
import { topology } from '../topology.ts';
import { type KeeperOptions, RetentionKeeper } from './retention-keeper.ts';
import { type Reader, type SurveyedStream, sequenceOf } from './survey.ts';

const CAP = 100_000;
const FRAME = 2000;

const NO_BOUNDS = { storedBytes: 0, storedEvents: 0, storedDays: 0 };

const settings = {
  matchesMaxBytes: CAP,
  alertsMaxBytes: CAP,
  auditMaxBytes: CAP,
  deadLettersMaxBytes: CAP,
  replaysMaxBytes: CAP,
  purgeAtPercent: 80,
  purgeToPercent: 50,
  evictUnreadPercent: 0,
  reserveBytes: 0,
  checkEvery: 1000,
};

async function openGround(more: Partial<KeeperOptions> = {}) {
  const bus = createMemoryBus({ server: new MemoryServer() });
  await bus.ensure(topology({ ...settings, inMaxBytes: 1 << 30, eventsMaxBytes: CAP }));
  const audit: AuditRecord[] = [];
  const catalogue = openFrameCatalogue({ path: ':memory:' });
  const keeper = new RetentionKeeper({
    bus,
    clock: systemClock,
    nextId: () => `id-${audit.length}`,
    trail: { append: async (record) => void audit.push(record) },
    store: {
      kept: async () => catalogue.kept(),
      oldest: async (...args) => catalogue.oldest(...args),
      forget: async (one) => catalogue.forget(one),
    },
    settings,
    eventsMaxAgeMs: 0,
    tenantBounds: () => NO_BOUNDS,
    onTrouble: (error) => {
      throw error;
    },
    onRemoved: () => undefined,
    ...more,
  });
  return { bus, keeper, audit, catalogue };
}

let frames = 0;

/** Stores a frame of ten events of about 2 KB, or says that there is no room. */
async function store(bus: CompleteBus, tenant = 'acme', ordinal = frames * 10): Promise<boolean> {
  const id = `f${++frames}`;
  const record = {
    source: 'edr',
    type: 'json',
    schemaVersion: 1,
    timeMs: 1,
    receivedMs: 1,
    severity: 1 as const,
    classUid: 0,
    activityId: 0,
    mapping: 'json',
    attributes: {},
    flags: [],
    producerId: true,
  };
  const noise = Buffer.from(Array.from({ length: FRAME / 10 }, (_, i) => (i * 31 + frames * 17) % 251));
  const events = Array.from({ length: 10 }, (_, i) => ({ ...record, id: `${id}.${i}`, record: noise }));
  const body = encodeFrame({ id, tenant, lane: 'live', partition: 0, epoch: 'E', ordinal, site: 'memory' }, events);
  try {
    await bus.commit([{ subject: eventsSubject('live', 0, tenant), id, body }]);
    return true;
  } catch (error) {
    if (isTocsinError(error, 'bus.full')) return false;
    throw error;
  }
}

async function lookAt(bus: CompleteBus, readers: (last: number) => readonly Reader[]): Promise<SurveyedStream> {
  const filter = eventsFilter('live');
  const { messages, bytes, first, last } = await bus.info(filter);
  return { name: 'EVENTS_LIVE', filter, maxBytes: CAP, messages, bytes, first, last, readers: readers(sequenceOf(last)) };
}

const reader = (name: string, sequence: number): Reader => ({ name, sequence, isCurrent: true });

describe('the retention keeper', () => {
  it('keeps a stream at its limit from ever refusing while everything is read', async () => {
    const { bus, keeper } = await openGround();
    let refused = 0;
    for (let i = 0; i < 300; i++) {
      if (!(await store(bus))) refused += 1;
      await keeper.round([await lookAt(bus, (last) => [reader('match', last), reader('store', last)])]);
    }
    expect(refused).toBe(0);
    expect((await bus.info(eventsFilter('live'))).bytes).toBeLessThan(CAP);
  });

  it('removes nothing that one of its readers has not read, says so, and lets the stream refuse', async () => {
    const { bus, keeper } = await openGround();
    let stored = 0;
    while (await store(bus)) stored += 1;
    const round = await keeper.round([await lookAt(bus, (last) => [reader('match', last), reader('store', 3)])]);
    expect(round.removed).toBe(3);
    const next = await keeper.round([await lookAt(bus, (last) => [reader('match', last), reader('store', 3)])]);
    expect(next).toMatchObject({ removed: 0, alarms: [{ stream: 'EVENTS_LIVE', reason: expect.stringContaining('store has not read') }] });
    expect((await bus.info(eventsFilter('live'))).messages).toBe(stored - 3);
  });

  it('says that a stream fills, and evicts where it may, though its slow reader reads on', async () => {
    const { bus, keeper } = await openGround({ settings: { ...settings, evictUnreadPercent: 80 } });
    while (await store(bus));
    let read = 0;
    const round = async () => keeper.round([await lookAt(bus, (last) => [reader('match', last), reader('store', (read += 1))])]);
    expect(await round()).toMatchObject({ removed: 1, alarms: [{ stream: 'EVENTS_LIVE' }] });
    expect((await round()).removed).toBeGreaterThan(5);
    expect((await bus.info(eventsFilter('live'))).bytes).toBeLessThan(CAP * 0.6);
  });

  it('says nothing where what is left is full only because what was read did not go yet', async () => {
    const { bus, keeper } = await openGround({ settings: { ...settings, purgeToPercent: 79 } });
    while (await store(bus));
    const round = await keeper.round([await lookAt(bus, (last) => [reader('match', last)])]);
    expect(round.removed).toBeGreaterThan(0);
    expect(round).toMatchObject({ alarms: [], shrunk: new Set(['EVENTS_LIVE']) });
  });

  it('evicts unread data only where it may, after an alarm, with exact counts on AUDIT before it goes', async () => {
    const { bus, keeper, audit } = await openGround({ settings: { ...settings, evictUnreadPercent: 90 } });
    const from = frames;
    while (await store(bus, frames % 3 === 0 ? 'globex' : 'acme', (frames - from) * 10));
    const before = (await bus.info(eventsFilter('live'))).messages;
    const look = () => lookAt(bus, () => [reader('match', 0)]);
    expect((await keeper.round([await look()])).removed).toBe(0);
    expect(audit).toEqual([]);
    const { removed } = await keeper.round([await look()]);
    expect(removed).toBeGreaterThan(0);
    expect((await bus.info(eventsFilter('live'))).messages).toBe(before - removed);
    const intents = audit.filter(({ phase }) => phase === 'intent');
    expect(intents.map(({ tenant }) => tenant).sort()).toEqual(['acme', 'globex']);
    const gone = intents.map(({ after }) => after as { messages: number; events: number; ordinals: Record<string, [number, number]> });
    expect(gone.reduce((sum, { messages }) => sum + messages, 0)).toBe(removed);
    expect(gone.reduce((sum, { events }) => sum + events, 0)).toBe(removed * 10);
    expect(Math.max(...gone.map(({ ordinals }) => ordinals['0.E']?.[1] ?? 0))).toBe(removed * 10 - 1);
    expect(audit.filter(({ phase }) => phase === 'outcome')).toHaveLength(2);
  });

  it('removes what is too old and read, and the newest step of a partition never', async () => {
    let nowMs = Date.now();
    const { bus, keeper } = await openGround({ clock: { ...systemClock, nowMs: () => nowMs }, eventsMaxAgeMs: 60_000 });
    for (let i = 0; i < 5; i++) await store(bus);
    nowMs += 61_000;
    expect((await keeper.round([await lookAt(bus, () => [reader('match', 4)])])).removed).toBe(4);

    for (const partition of [0, 0, 1, 0])
      await bus.commit([{ subject: matchesSubject(partition), id: `m${frames++}`, body: Buffer.alloc(22_000) }]);
    const { messages, bytes, first, last } = await bus.info('tocsin.matches.>');
    const newest = [
      { filter: matchesSubject(0), sequence: 4 },
      { filter: matchesSubject(1), sequence: 3 },
    ];
    const matches = { name: 'MATCHES', filter: 'tocsin.matches.>', maxBytes: CAP, messages, bytes, first, last, newest };
    await keeper.round([{ ...matches, readers: [reader('correlate', 4)] }]);
    expect(await bus.last(matchesSubject(0))).toBeDefined();
    expect(await bus.last(matchesSubject(1))).toBeDefined();
    expect((await bus.info('tocsin.matches.>')).messages).toBe(2);
  });

  it('holds a tenant to his own bytes and leaves the others', async () => {
    const { bus, keeper, catalogue } = await openGround({
      tenantBounds: (tenant) => ({ ...NO_BOUNDS, storedBytes: tenant === 'acme' ? 10_000 : 0 }),
    });
    for (let i = 0; i < 20; i++) await store(bus, i % 2 === 0 ? 'acme' : 'globex');
    for await (const stored of bus.read(eventsFilter('live'), 'first')) {
      const tenant = stored.subject.endsWith('.acme') ? 'acme' : 'globex';
      const header = {
        id: stored.id,
        tenant,
        lane: 'live',
        partition: 0,
        epoch: 'E',
        ordinal: 0,
        count: 10,
        minTimeMs: 1,
        maxTimeMs: 1,
        site: 's',
      } as const;
      const sequence = sequenceOf(stored.position);
      const { position } = stored;
      catalogue.apply('EVENTS_LIVE', position, [{ stream: 'EVENTS_LIVE', position, sequence, bytes: 1500, header, sources: [] }]);
    }
    const { removed, kept } = await keeper.round([await lookAt(bus, (last) => [reader('match', last)])]);
    expect(kept?.get('acme')).toBe(15_000);
    expect(removed).toBe(5);
    expect(Object.fromEntries(catalogue.kept().map(({ tenant, bytes }) => [tenant, bytes]))).toEqual({ acme: 7500, globex: 15_000 });
    expect((await bus.info(eventsFilter('live'))).messages).toBe(15);
  });
});
