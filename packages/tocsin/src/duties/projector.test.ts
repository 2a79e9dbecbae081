import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { CompleteBus } from '@tocsin/bus';
import { type Alert, systemClock } from '@tocsin/core';
import { openAlertTable, openFrameCatalogue } from '@tocsin/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dropInto, openGround, running, storeEvents, until } from '../../test/ground.ts';
import { readDeadLetter } from '../deadletters/dead-letter.ts';
import { alertSubject, DEADLETTER_FILTER, eventsFilter, eventsSubject } from '../subjects.ts';
import { runAlertProjection, runFrameProjection } from './projector.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tocsin-projector-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function dump(file: string, tables: readonly string[]): unknown {
  const db = new DatabaseSync(join(folder, file), { readOnly: true });
  const rows = tables.map((table) => db.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all());
  db.close();
  return rows;
}

async function projectFrames(bus: CompleteBus, file: string, frames: number): Promise<void> {
  using catalogue = openFrameCatalogue({ path: join(folder, file) });
  const run = running((signal) => runFrameProjection(bus, catalogue, { signal, clock: systemClock }));
  await until(() => catalogue.totals().frames >= frames);
  await run.stop();
}

async function projectAlerts(bus: CompleteBus, file: string, last: number): Promise<void> {
  using table = openAlertTable({ path: join(folder, file) });
  const run = running((signal) =>
    runAlertProjection(bus, table, { signal, onApplied: () => undefined, drop: dropInto(bus), clock: systemClock }),
  );
  await until(() => Object.values(table.counts('acme')).reduce((sum, n) => sum + n, 0) >= last);
  await run.stop();
}

function alert(id: string, count: number): Alert {
  return {
    id,
    tenant: 'acme',
    origin: 'live',
    rule: { id: 'r', title: 'R', version: 'v', ruleSet: 's', references: [], tags: [], techniques: [] },
    severity: 4,
    score: 70,
    status: 'new',
    groupBy: {},
    entities: [],
    count,
    firstMs: 1,
    lastMs: count,
    receivedMs: 1,
    evidence: [],
    explanation: [],
    advice: '',
    causation: [],
    foldRevision: count,
  };
}

describe('frame projection', () => {
  it('gives the same tables whether it was restarted between resends or is rebuilt in one go', async () => {
    const { bus } = await openGround();
    const plan = [
      ['a', 'b'],
      ['b', 'c'],
      ['a', 'd'],
      ['d', 'a', 'e'],
    ];
    for (const [i, ids] of plan.entries()) {
      await storeEvents(
        bus,
        ids.map((id) => ({ id, fields: { id } })),
        { lane: i === 2 ? 'bulk' : 'live' },
      );
      if (i === 1) await bus.commit([{ subject: eventsSubject('live', 0, 'acme'), id: 'junk', body: Buffer.from('junk') }]);
      await projectFrames(bus, 'stepwise.sqlite', i + 1);
    }
    await projectFrames(bus, 'rebuilt.sqlite', plan.length);
    const tables = ['frames', 'sources', 'ordinals', 'totals', 'applied'];
    expect(dump('stepwise.sqlite', tables)).toEqual(dump('rebuilt.sqlite', tables));
    using catalogue = openFrameCatalogue({ path: join(folder, 'rebuilt.sqlite') });
    expect(catalogue.sources('acme')).toMatchObject([{ source: 'edr', events: 7, duplicates: 2 }]);
  });

  it('forgets frames that the log no longer keeps, and keeps the totals', async () => {
    const { bus } = await openGround();
    await storeEvents(bus, [{ fields: {} }]);
    await storeEvents(bus, [{ fields: {} }]);
    await projectFrames(bus, 'frames.sqlite', 2);
    const { first } = await bus.info(eventsFilter('live'));
    if (first) await bus.purge(eventsFilter('live'), first);
    await storeEvents(bus, [{ fields: {} }]);
    await projectFrames(bus, 'frames.sqlite', 3);
    expect(dump('frames.sqlite', ['frames'])).toMatchObject([[{ sequence: 2 }, { sequence: 3 }]]);
    expect(dump('frames.sqlite', ['totals'])).toMatchObject([[{ frames: 3, events: 3 }]]);
  });
});

describe('alert projection', () => {
  it('rebuilds an equal table from the log', async () => {
    const { bus } = await openGround();
    for (let i = 0; i < 300; i++) {
      const each = alert((i % 40).toString(16), 1 + Math.floor(i / 40));
      await bus.commit([{ subject: alertSubject('acme', each.id), id: `m${i}`, body: Buffer.from(JSON.stringify(each)) }]);
      if (i === 100) await projectAlerts(bus, 'stepwise.sqlite', 40);
    }
    const isCaughtUp = async (file: string): Promise<void> => {
      using table = openAlertTable({ path: join(folder, file) });
      const { last } = await bus.info('tocsin.alerts.>');
      const run = running((signal) =>
        runAlertProjection(bus, table, { signal, onApplied: () => undefined, drop: dropInto(bus), clock: systemClock }),
      );
      await until(() => table.applied() === last);
      await run.stop();
    };
    await isCaughtUp('stepwise.sqlite');
    await isCaughtUp('rebuilt.sqlite');
    expect(dump('stepwise.sqlite', ['alerts', 'acts', 'applied'])).toEqual(dump('rebuilt.sqlite', ['alerts', 'acts', 'applied']));
  });

  it('forgets alerts that the log no longer keeps, as if it were rebuilt', async () => {
    const { bus } = await openGround();
    const put = (id: string, count: number): Promise<unknown> =>
      bus.commit([{ subject: alertSubject('acme', id), id: `m-${id}-${count}`, body: Buffer.from(JSON.stringify(alert(id, count))) }]);
    await put('a', 1);
    await put('b', 1);
    await projectAlerts(bus, 'stepwise.sqlite', 2);
    const { last } = await bus.info('tocsin.alerts.>');
    await put('a', 2);
    if (last) await bus.purge('tocsin.alerts.>', last);
    using table = openAlertTable({ path: join(folder, 'stepwise.sqlite') });
    const follow = { onApplied: () => undefined, drop: dropInto(bus), clock: systemClock };
    const run = running((signal) => runAlertProjection(bus, table, { ...follow, signal }));
    await until(() => table.get('acme', 'b') === undefined);
    await run.stop();
    expect(table.list({ tenant: 'acme', limit: 10 }).alerts).toMatchObject([{ id: 'a', count: 2 }]);
  });

  it('sets aside what is no alert and applies all others', async () => {
    const { bus } = await openGround();
    const put = (id: string, body: string): Promise<unknown> =>
      bus.commit([{ subject: alertSubject('acme', id), id: `m-${id}`, body: Buffer.from(body) }]);
    await put('a', JSON.stringify(alert('a', 1)));
    await put('no-json', '{"id":');
    await put('no-alert', 'null');
    await put('odd', JSON.stringify({ ...alert('odd', 1), severity: { toString: 1 } }));
    await put('b', JSON.stringify(alert('b', 1)));
    await projectAlerts(bus, 'poison.sqlite', 2);
    const letters: unknown[] = [];
    for await (const stored of bus.read(DEADLETTER_FILTER, 'first')) letters.push(readDeadLetter(stored).letter);
    expect(letters).toMatchObject(
      ['no-json', 'no-alert', 'odd'].map((id) => ({ consumer: 'store', tenant: 'acme', messageId: `m-${id}`, reason: 'unreadable' })),
    );
  });
});
