import type { CompleteBus, Outgoing } from '@tocsin/bus';
import type { Alert } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { openGround, readAlerts } from '../../test/ground.ts';
import { ALERTS_FILTER, alertSubject } from '../subjects.ts';
import { AlertWriter, parseAlert } from './alert-writer.ts';

function alert(id: string, foldRevision: number, change: Partial<Alert> = {}): Alert {
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
    count: foldRevision,
    firstMs: 1,
    lastMs: 1,
    receivedMs: 1,
    evidence: [],
    explanation: [],
    advice: '',
    causation: [],
    foldRevision,
    ...change,
  };
}

function writerOn(bus: Pick<CompleteBus, 'commit' | 'last'>): AlertWriter {
  return new AlertWriter({ bus, onTrouble: () => undefined, giveUp: new AbortController().signal });
}

/** What a person's act does: the newest message again, with another status. */
async function acknowledge(bus: CompleteBus, id: string): Promise<void> {
  const stored = await bus.last(alertSubject('acme', id));
  if (!stored) throw new Error('no such alert');
  const lastAct = { kind: 'acknowledge', actor: 'ada', atMs: 5 } as const;
  const body = Buffer.from(JSON.stringify({ ...parseAlert(stored), status: 'acknowledged', lastAct }));
  await bus.commit([{ subject: alertSubject('acme', id), id: `act.${stored.position}`, body, expect: stored.position }]);
}

async function newest(bus: CompleteBus, id: string): Promise<Alert | undefined> {
  const stored = await bus.last(alertSubject('acme', id));
  return stored && parseAlert(stored);
}

describe('alert writer', () => {
  it('writes each change once, and nothing when it is fed the same again by another writer', async () => {
    const { bus } = await openGround();
    const changes = [[alert('a', 1)], [alert('a', 2), alert('b', 1)], [alert('a', 3)]];
    const writer = writerOn(bus);
    for (const change of changes) await writer.write(change);
    const after = await readAlerts(bus);
    expect(after.map((each) => `${each.id}${each.foldRevision}`)).toEqual(['a1', 'a2', 'b1', 'a3']);
    const replay = writerOn(bus);
    for (const change of changes) await replay.write(change);
    for (const change of changes) await writer.write(change);
    expect(await readAlerts(bus)).toEqual(after);
  });

  it('keeps what a person did, whether it knew the alert or not', async () => {
    const { bus } = await openGround();
    const writer = writerOn(bus);
    await writer.write([alert('a', 1), alert('b', 1)]);
    await acknowledge(bus, 'a');
    await writer.write([alert('a', 2), alert('b', 2)]);
    await acknowledge(bus, 'b');
    await writerOn(bus).write([alert('a', 3), alert('b', 3)]);
    expect(await newest(bus, 'a')).toMatchObject({ status: 'acknowledged', lastAct: { actor: 'ada' }, count: 3 });
    expect(await newest(bus, 'b')).toMatchObject({ status: 'acknowledged', lastAct: { actor: 'ada' }, count: 3 });
  });

  it('keeps every act when somebody acts between each of its looks and writes', async () => {
    const { bus } = await openGround();
    let acts = 3;
    const contested = {
      last: bus.last.bind(bus),
      async commit(messages: readonly Outgoing[], options?: { signal?: AbortSignal }) {
        if (acts-- > 0 && (await newest(bus, 'a')) !== undefined) await acknowledge(bus, 'a');
        return bus.commit(messages, options);
      },
    };
    const writer = writerOn(contested);
    await writer.write([alert('a', 1)]);
    await writer.write([alert('a', 2), alert('b', 1)]);
    expect(await newest(bus, 'a')).toMatchObject({ status: 'acknowledged', count: 2 });
    expect(await newest(bus, 'b')).toMatchObject({ status: 'new', count: 1 });
  });

  it('writes any number of alerts, and goes on after a crash in the middle', async () => {
    const { bus } = await openGround();
    const many = Array.from({ length: 501 }, (_, i) => alert(i.toString(16).padStart(4, '0'), 1));
    let commits = 0;
    const dying = {
      last: bus.last.bind(bus),
      commit: (messages: readonly Outgoing[], options?: { signal?: AbortSignal }) =>
        ++commits > 2 ? Promise.reject(new Error('died')) : bus.commit(messages, options),
    };
    await expect(writerOn(dying).write(many)).rejects.toThrow('died');
    expect((await bus.info(ALERTS_FILTER)).messages).toBe(400);
    await writerOn(bus).write(many);
    expect((await readAlerts(bus)).map((each) => each.id)).toEqual(many.map((each) => each.id));
  });

  it('does not look for ever for an alert that retention has taken', async () => {
    const { bus } = await openGround();
    const writer = writerOn(bus);
    await writer.write([alert('a', 1)]);
    const { last } = await bus.info(ALERTS_FILTER);
    if (last) await bus.purge(ALERTS_FILTER, last);
    await writer.write([alert('a', 2)]);
    expect(await newest(bus, 'a')).toMatchObject({ count: 2 });
  });

  it('cuts an alert that no bus would take, instead of stopping all others', async () => {
    const { bus } = await openGround();
    const references = Array.from({ length: 100 }, (_, i) => `${i}${'\u0001'.repeat(5000)}`);
    const rule = { ...alert('a', 1).rule, references };
    await writerOn(bus).write([alert('a', 1, { rule, advice: 'x'.repeat(100_000) }), alert('b', 1)]);
    expect((await readAlerts(bus)).map((each) => each.id)).toEqual(['a', 'b']);
    expect((await newest(bus, 'a'))?.rule.references).toHaveLength(20);
  });

  it('bounds the bytes of a commit, and writes all the same', async () => {
    const { bus } = await openGround();
    const sizes: number[] = [];
    const commit: CompleteBus['commit'] = (messages, options) => {
      sizes.push(messages.reduce((sum, message) => sum + message.body.byteLength, 0));
      return bus.commit(messages, options);
    };
    const advice = 'x'.repeat(1_000_000);
    const alerts = Array.from({ length: 20 }, (_, i) => alert(`a${i}`, 1, { advice }));
    await writerOn({ commit, last: (subject) => bus.last(subject) }).write(alerts);
    expect(Math.max(...sizes)).toBeLessThan(9_000_000);
    expect((await readAlerts(bus)).map((each) => each.id)).toEqual(alerts.map((each) => each.id));
  });
});
