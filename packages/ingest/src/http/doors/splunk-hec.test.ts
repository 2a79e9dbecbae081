/** Splunk's collector on a real fastify: what agents send, what they are told, and that an acknowledgement is never ahead of the disk. */
import { TocsinError } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { openDoor } from '../../../test/http-fixture.ts';
import { createHecAcks } from './hec-acks.ts';

const splunk = { authorization: 'Splunk good' };
const PATH = '/services/collector';

describe('the Splunk door', () => {
  it.each<[string, string, unknown[]]>([
    ['an event', '{"event":{"a":1}}', [{ a: 1 }]],
    ['events one after another', '{"event":{"a":1}}{"event":{"a":2}}\n\n{"event":{"a":3}}', [{ a: 1 }, { a: 2 }, { a: 3 }]],
    ['events in a list', '[{"event":{"a":1}},{"event":{"a":2}}]', [{ a: 1 }, { a: 2 }]],
    [
      'facts of the envelope',
      '{"time":"1700000000.25","host":"h","source":"s","sourcetype":"st","index":"main","event":{"a":1},"fields":{"dc":"eu","n":2}}',
      [{ dc: 'eu', n: 2, host: 'h', source: 's', sourcetype: 'st', index: 'main', a: 1 }],
    ],
    ['an event whose own host counts', '{"host":"h","event":{"host":"own"}}', [{ host: 'own' }]],
    ['text', '{"event":"a \\"line\\"\\n","host":"h"}', [{ host: 'h', message: 'a "line"\n' }]],
    ['an empty object', '{"event":{},"host":"h"}', [{ host: 'h' }]],
    ['names that are none of its own', '{"event":{"__proto__":{"x":1}},"fields":{"__proto__":"y"}}', [JSON.parse('{"__proto__":{"x":1}}')]],
  ])('stores %s', async (_name, body, records) => {
    await using door = await openDoor();
    const answer = await door.ask(PATH, { body, headers: splunk });
    expect([answer.status, answer.json]).toEqual([200, { text: 'Success', code: 0 }]);
    expect(door.stored.map(({ record }) => JSON.parse(Buffer.from(record).toString()) as unknown)).toEqual(records);
  });

  it('takes the time of the envelope where the event has none', async () => {
    await using door = await openDoor();
    await door.ask(PATH, {
      body: '{"time":1700000000.25,"event":{"a":1}}{"time":1,"event":{"@timestamp":"2024-01-02T03:04:05Z"}}',
      headers: splunk,
    });
    expect(door.stored.map(({ timeMs }) => timeMs)).toEqual([1_700_000_000_250, Date.parse('2024-01-02T03:04:05Z')]);
  });

  it('stores raw lines that are no UTF-8, with what the query says of them', async () => {
    await using door = await openDoor();
    const answer = await door.ask(`${PATH}/raw?host=h`, { body: Buffer.from('caf\xe9 login refused\n\xff\n', 'latin1'), headers: splunk });
    expect(answer.json).toEqual({ text: 'Success', code: 0 });
    expect(door.stored.map(({ record }) => JSON.parse(Buffer.from(record).toString()) as unknown)).toEqual([
      { host: 'h', message: 'caf\ufffd login refused' },
      { host: 'h', message: '\ufffd' },
    ]);
  });

  it('stores raw lines with what the query says of them', async () => {
    await using door = await openDoor();
    const answer = await door.ask(`${PATH}/raw?sourcetype=st&host=h&time=1700000000`, {
      body: 'one\n{"a":1}\n{no object',
      headers: splunk,
    });
    expect(answer.status).toBe(200);
    const texts = door.stored.map(({ record }) => JSON.parse(Buffer.from(record).toString()) as unknown);
    const facts = { host: 'h', sourcetype: 'st' };
    expect(texts).toEqual([
      { ...facts, message: 'one' },
      { ...facts, a: 1 },
      { ...facts, message: '{no object' },
    ]);
    expect(door.stored[0]?.timeMs).toBe(1_700_000_000_000);
  });

  it.each<[string, string, { body?: string; headers?: Record<string, string> }, number, number]>([
    ['no credential', PATH, { body: '{"event":1}', headers: { authorization: '' } }, 401, 2],
    ['an unknown token', PATH, { body: '{"event":1}', headers: { authorization: 'Splunk wrong' } }, 403, 4],
    ['another scheme', PATH, { body: '{"event":1}', headers: { authorization: 'Digest good' } }, 403, 4],
    ['nothing', PATH, { body: '' }, 400, 5],
    ['white space', PATH, { body: ' \n ' }, 400, 5],
    ['no JSON', PATH, { body: 'hello' }, 400, 6],
    ['a cut event', PATH, { body: '{"event":{"a":1}}{"event":' }, 400, 6],
    ['a list of numbers', PATH, { body: '[1,2]' }, 400, 6],
    ['an event too few', PATH, { body: '{"event":{"a":1}}{"host":"h"}' }, 400, 12],
    ['a blank event', PATH, { body: '{"event":""}' }, 400, 13],
    ['fields that are none', PATH, { body: '{"event":"x","fields":[1]}' }, 400, 15],
    ['a bad channel', `${PATH}?channel=a%20b`, { body: '{"event":"x"}' }, 400, 11],
    ['acknowledgements without a channel', `${PATH}/ack`, { body: '{"acks":[0]}' }, 400, 10],
    ['acknowledgements that are none', `${PATH}/ack?channel=c`, { body: '{"acks":["0"]}' }, 400, 6],
    ['no raw lines', `${PATH}/raw`, { body: '\n\n' }, 400, 5],
  ])('refuses %s in Splunk’s words and stores nothing', async (_name, path, request, status, code) => {
    await using door = await openDoor();
    const answer = await door.ask(path, { headers: splunk, ...request });
    expect(answer.status).toBe(status);
    expect(answer.json).toMatchObject({ code, text: expect.stringMatching(/.{5}/) as string });
    expect(door.stored).toEqual([]);
  });

  it('stores what can be read and tells what could not', async () => {
    await using door = await openDoor();
    const deep = `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`;
    const answer = await door.ask(PATH, { body: `{"event":{"a":1}}{"event":${deep}}`, headers: splunk });
    expect(answer.json).toEqual({ text: 'Success', code: 0, rejected: 1, 'invalid-event-number': 1 });
    expect(door.stored.length).toBe(1);
  });

  it('gives an acknowledgement id when the events are stored, and never says true of one it has not given', async () => {
    await using door = await openDoor();
    const ack = async (channel: string): Promise<unknown> =>
      (await door.ask(`${PATH}/ack?channel=${channel}`, { body: '{"acks":[0,1,-1,9007199254740991]}', headers: splunk })).json;
    const all = (zero: boolean, one: boolean): unknown => ({ acks: { 0: zero, 1: one, '-1': false, 9007199254740991: false } });
    door.hold(true);
    const sent = door.ask(`${PATH}?channel=c1`, { body: '{"event":"x"}', headers: splunk });
    expect(await ack('c1')).toEqual(all(false, false));
    door.hold(false);
    expect((await sent).json).toEqual({ text: 'Success', code: 0, ackId: 0 });
    expect(await ack('c1')).toEqual(all(true, false));
    expect(await ack('c2')).toEqual(all(false, false));
    expect((await door.ask(`${PATH}/raw?channel=c1`, { body: 'y', headers: splunk })).json).toMatchObject({ ackId: 1 });
    expect(await ack('c1')).toEqual(all(true, true));
  });

  it('says busy, when to come again, and gives no id where nothing could be stored', async () => {
    await using door = await openDoor();
    door.hold(new TocsinError('bus.unavailable', { reason: 'test' }));
    const answer = await door.ask(`${PATH}?channel=c`, { body: '{"event":"x"}', headers: splunk });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(answer.json).toMatchObject({ code: 9 });
    door.hold(false);
    expect((await door.ask(`${PATH}/ack?channel=c`, { body: '{"acks":[0]}', headers: splunk })).json).toEqual({ acks: { 0: false } });
  });

  it('answers health to anybody', async () => {
    await using door = await openDoor();
    expect(await door.ask(`${PATH}/health`, { method: 'GET', headers: { authorization: '' } })).toMatchObject({
      status: 200,
      json: { code: 17 },
    });
  });

  it('holds raw lines with large facts within its bounds', async () => {
    await using door = await openDoor({ maxPlainBytes: 1_000_000 });
    const answer = await door.ask(`${PATH}/raw?host=${'h'.repeat(4000)}`, { body: 'x\n'.repeat(1000), headers: splunk });
    expect(answer.status).toBe(413);
    expect(door.stored).toEqual([]);
  });
});

describe('acknowledgement ids', () => {
  it('forget the channel that was used longest ago', () => {
    const acks = createHecAcks(2);
    const source = { tenant: 't', name: 's', format: 'json', lane: 'live', shard: '' } as const;
    for (const channel of ['a', 'b', 'a', 'c']) acks.next(source, channel);
    expect(['a', 'b', 'c'].map((channel) => acks.isDurable(source, channel, 0))).toEqual([true, false, true]);
    expect(acks.isDurable({ ...source, tenant: 'u' }, 'a', 0)).toBe(false);
  });
});
