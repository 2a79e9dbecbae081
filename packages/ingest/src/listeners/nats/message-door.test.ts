/** The door on a queue: each message is answered once, by what became of every event in it. */
import { TocsinError } from '@tocsin/core';
import { expect, test } from 'vitest';
import { compilePrivacy } from '../../privacy/record-privacy.ts';
import type { RecordResult, Source } from '../../source.ts';
import type { Emit } from '../listener.ts';
import { ListenerCounts } from '../listener-counts.ts';
import type { KeptMessage, RefusedEvent } from './kept-message.ts';
import { MessageDoor, type QueuedMessage } from './message-door.ts';
import { MAX_EVENTS_PER_MESSAGE, recordsOfMessage } from './message-records.ts';

const SOURCE: Source = { tenant: 't', name: 's', format: 'json', lane: 'live', shard: '' };
const at = { position: 'p', index: 0 } as never;

class Queued implements QueuedMessage {
  readonly answers: string[] = [];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly attempt: number;
  constructor(body: string, headers: Readonly<Record<string, string>> = {}, attempt = 1) {
    this.body = Buffer.from(body);
    this.headers = headers;
    this.attempt = attempt;
  }
  ack(): boolean {
    return this.answers.push('ack') > 0;
  }
  retry({ afterMs }: { afterMs: number }): boolean {
    return this.answers.push(`retry ${afterMs}`) > 0;
  }
  extend(): void {}
}

async function give(
  messages: readonly Queued[],
  emit: Emit,
  { keep = async () => undefined, source = SOURCE }: { keep?: (kept: KeptMessage) => Promise<void>; source?: Source } = {},
) {
  const counts = new ListenerCounts();
  const kept: { body: string; headers: KeptMessage['headers']; refused: readonly RefusedEvent[] }[] = [];
  {
    await using door = new MessageDoor({
      context: { name: 'nats/in', emit, counts, onTrouble: () => undefined },
      keep: async (_message, what) => {
        await keep(what);
        kept.push({ body: Buffer.from(what.body).toString(), headers: what.headers, refused: what.refused });
      },
    });
    for (const message of messages) door.take(source, message);
  }
  return { counts, kept };
}

const event = (id: string): string => JSON.stringify({ specversion: '1.0', id, source: '/x', type: 't', data: { id } });
/** An intake that rejects records that say so, and makes two events of one that says `two`. */
const emit: Emit = async (_source, records, options) =>
  records.flatMap((record): RecordResult[] => {
    const id = record.envelope?.id ?? '';
    const stored: RecordResult = { status: 'stored', id, at };
    const results: RecordResult[] = record.refused
      ? [{ status: 'rejected', ...record.refused }]
      : id === 'two'
        ? [stored, stored]
        : [stored];
    options?.onTaken?.(results.length);
    return id === 'bad' ? [{ status: 'rejected', code: 'decode.too_deep', reason: 'deep' }] : results;
  });

test('each message gets the results of its own records, however many events they hold', async () => {
  const batch = { 'Content-Type': 'application/cloudevents-batch+json; charset=utf-8' };
  const messages = [
    new Queued(event('two')),
    new Queued(`[${event('a')},${event('bad')}]`, batch),
    new Queued('{}'),
    new Queued(event('b')),
  ];
  const { counts, kept } = await give(messages, emit);
  expect(messages.map(({ answers }) => answers)).toEqual([['ack'], ['ack'], ['ack'], ['ack']]);
  expect(kept.map(({ body }) => body)).toEqual([`[${event('bad')}]`, '{}']);
  expect(kept[0]?.refused).toMatchObject([{ index: 1, code: 'decode.too_deep' }]);
  expect({ records: counts.records, stored: counts.stored, rejected: Object.fromEntries(counts.rejected) }).toEqual({
    records: 6,
    stored: 4,
    rejected: { 'decode.too_deep': 1, 'ingest.bad_record': 1 },
  });
});

test('of a batch only what was refused is kept, so that a redrive does not store the others again', async () => {
  const headers = { 'content-type': 'application/cloudevents-batch+json' };
  const broken = '{"specversion":"1.0","no":"id"}';
  const message = new Queued(`[ ${event('a')}, ${event('two')} ,${broken},\n${event('bad')} , ${event('b')}]`, headers);
  const { kept, counts } = await give([message], emit);
  expect(kept[0]).toMatchObject({ body: `[${broken},${event('bad')}]`, headers });
  expect(kept[0]?.refused.map(({ index }) => index)).toEqual([3, 4]);
  const again = await give([new Queued(kept[0]?.body ?? '', headers)], emit);
  expect([counts.stored, again.counts.stored, again.kept[0]?.body]).toEqual([4, 0, kept[0]?.body]);
});

test('of a source that conceals nothing is kept but the reasons, whatever was refused', async () => {
  const privacy = compilePrivacy({ fields: [{ field: 'ssn', act: 'mask' }] }, { tenant: 't', source: 's', key: undefined });
  const source = { ...SOURCE, privacy };
  const binary = { 'ce-specversion': '1.0', 'ce-id': 'bad', 'ce-source': '/x', 'ce-type': 't', 'ce-subject': 'of 078-05-1120' };
  const messages = [
    new Queued('{"ssn":"078-05-1120"}'),
    new Queued(`[${event('a')},${event('bad')}]`, { 'content-type': 'application/cloudevents-batch+json', note: '078-05-1120' }),
    new Queued('ssn 078-05-1120', binary),
  ];
  const { kept } = await give(messages, emit, { source });
  const failing = await give(
    [new Queued(event('078-05-1120'))],
    () => Promise.reject(new TocsinError('decode.too_large', { bytes: 2, maxBytes: 1 })),
    {
      source,
    },
  );
  expect(kept.length + failing.kept.length).toBe(4);
  expect(JSON.stringify([kept, failing.kept])).not.toMatch(/078|\/x/);
  expect(kept[1]?.refused[0]).toMatchObject({
    index: 1,
    code: 'decode.too_deep',
    reason: expect.stringMatching(/^deep Its bytes were not kept/),
  });
});

test('what may not be taken now comes again, no sooner than whoever refused asked for', async () => {
  const messages = [new Queued(event('a')), new Queued(event('b'), {}, 3)];
  const { kept, counts } = await give(messages, async () => {
    throw new TocsinError('bus.unavailable', { what: 'the bus' } as never);
  });
  expect(messages.map(({ answers }) => answers)).toEqual([['retry 200'], ['retry 800']]);
  expect([kept, counts.records]).toEqual([[], 0]);
});

test('one message that cannot be taken does not take its neighbours with it', async () => {
  const picky: Emit = (source, records, options) => {
    if (records.some(({ envelope }) => envelope?.id === 'poison')) throw new TocsinError('decode.too_large', { bytes: 2, maxBytes: 1 });
    return emit(source, records, options);
  };
  const messages = [new Queued(event('a')), new Queued(event('poison')), new Queued(event('b'))];
  const { kept, counts } = await give(messages, picky);
  expect(kept.map(({ body }) => body)).toEqual([event('poison')]);
  expect([counts.stored, messages.map(({ answers }) => answers.join())]).toEqual([2, ['ack', 'ack', 'ack']]);
});

test('a message is not answered where what was refused of it could not be kept', async () => {
  const message = new Queued('no json');
  await give([message], emit, { keep: () => Promise.reject(new Error('the bus is gone')) });
  expect(message.answers).toEqual(['retry 200']);
});

test('no bytes and no headers throw', () => {
  const many = `[${Array.from({ length: MAX_EVENTS_PER_MESSAGE + 1 }, () => '1').join()}]`;
  const odd = { __proto__: null, 'CE-specversion': '1.0', 'ce-id': '%', 'ce-source': '\ud800', 'ce-type': 'x' } as never;
  for (const [headers, body] of [
    [{ 'content-type': 'application/cloudevents-batch+json' }, many],
    [{ 'content-type': 'application/cloudevents-batch+json' }, '[]'],
    [odd, ''],
    [JSON.parse('{"__proto__":"x","constructor":"y","content-type":";;;"}') as Record<string, string>, '[['.repeat(50_000)],
    [{}, ''],
  ] as const)
    expect(recordsOfMessage(headers, Buffer.from(body)).length).toBe(1);
});
