/** Elasticsearch's bulk API on a real fastify: what shippers send, statuses item by item, ids, and what they ask before. */
import { TocsinError } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { openDoor } from '../../../test/http-fixture.ts';

const basic = { authorization: `Basic ${Buffer.from('elastic:good').toString('base64')}`, 'content-type': 'application/x-ndjson' };
const lines = (...values: readonly unknown[]): string =>
  values.map((value) => `${typeof value === 'string' ? value : JSON.stringify(value)}\n`).join('');

interface Items {
  readonly errors: boolean;
  readonly items: readonly Record<
    string,
    { status: number; _id: string | null; result?: string; error?: { type: string; reason: string } }
  >[];
}

describe('the Elasticsearch door', () => {
  it('stores documents byte for byte and answers item by item', async () => {
    await using door = await openDoor();
    const body = lines(
      { create: { _id: 'a', _index: 'logs' } },
      '{"x": 1}',
      { index: {} },
      { y: 2 },
      { index: { _id: 'c' } },
      'no json',
      { delete: { _id: 'd' } },
      {
        update: { _id: 'e' },
      },
      { doc: {} },
    );
    const answer = await door.ask('/filebeat/_bulk', { body, headers: basic });
    const { errors, items } = answer.json as Items;
    expect(answer.status).toBe(200);
    expect(errors).toBe(true);
    expect(items.map((item) => Object.entries(item).map(([verb, { status }]) => `${verb} ${status}`)[0])).toEqual([
      'create 201',
      'index 201',
      'index 400',
      'delete 400',
      'update 400',
    ]);
    expect(items[1]?.['index']).toMatchObject({ _index: 'filebeat', result: 'created' });
    expect(door.stored.map(({ record, id }) => [Buffer.from(record).toString(), id === 'a'])).toEqual([
      ['{"x": 1}', true],
      ['{"y":2}', false],
    ]);
  });

  it('answers for each document, however many events are in it', async () => {
    await using door = await openDoor();
    const body = lines(
      { create: {} },
      { Records: [{ a: 1 }, { a: 2 }] },
      { create: {} },
      'nothing',
      { create: {} },
      { Records: [{ a: 3 }] },
    );
    const answer = await door.ask('/_bulk', { body, headers: { ...basic, authorization: 'Bearer trail' } });
    expect((answer.json as Items).items.map((item) => item['create']?.status)).toEqual([201, 400, 201]);
    expect(door.stored.length).toBe(3);
  });

  it('recognises a batch that is sent again', async () => {
    await using door = await openDoor();
    const send = async (verb: string): Promise<unknown> => {
      const answer = await door.ask('/_bulk', { body: lines({ [verb]: { _id: 'a' } }, { x: 1 }), headers: basic });
      return (answer.json as Items).items[0]?.[verb]?.status;
    };
    expect([await send('create'), await send('create'), await send('index')]).toEqual([201, 409, 200]);
    expect(door.stored.length).toBe(1);
  });

  it.each([
    ['an action without a document', lines({ create: {} })],
    ['nothing', '\n\n'],
    ['no action', lines({ x: 1 }, { y: 2 })],
    ['two actions in one line', lines({ create: {}, index: {} }, { y: 2 })],
    ['an action that is a list', lines('[]', { y: 2 })],
    ['an id that is a number', lines({ create: { _id: 7 } }, { y: 2 })],
    ['an action that is huge', lines(`{"create":{"_id":"${'x'.repeat(10_000)}"}}`, { y: 2 })],
    ['a deep action', lines(`{"create":${'['.repeat(100_000)}}`, { y: 2 })],
  ])('refuses %s as a whole', async (_name, body) => {
    await using door = await openDoor();
    const answer = await door.ask('/_bulk', { body: `${lines({ create: { _id: 'canary' } }, { canary: 1 })}${body}`, headers: basic });
    if (body.trim() === '') expect((answer.json as Items).errors).toBe(false);
    else {
      expect(answer.status).toBe(400);
      expect(answer.json).toMatchObject({ status: 400, error: { type: 'illegal_argument_exception', code: 'ingest.bad_body' } });
      expect(door.stored).toEqual([]);
    }
  });

  it('takes a token as password, API key or bearer, and nobody without', async () => {
    await using door = await openDoor();
    const status = async (authorization: string): Promise<number> =>
      (await door.ask('/', { method: 'GET', headers: { authorization } })).status;
    const key = Buffer.from('id:good').toString('base64');
    expect([await status(basic.authorization), await status(`ApiKey ${key}`), await status('Bearer good')]).toEqual([200, 200, 200]);
    expect([await status(''), await status('Basic !!'), await status('ApiKey')]).toEqual([401, 401, 401]);
  });

  it('answers what agents ask before they ship', async () => {
    await using door = await openDoor();
    const asked = [
      '/',
      '/_license',
      '/_xpack',
      '/_cluster/health',
      '/_nodes/http',
      '/_index_template/filebeat-8',
      '/_ilm/policy/filebeat',
      '/_ingest/pipeline/x',
    ];
    for (const path of asked) {
      const answer = await door.ask(path, { method: 'GET', headers: basic });
      expect([path, answer.status, answer.headers.get('x-elastic-product')]).toEqual([path, 200, 'Elasticsearch']);
    }
    expect((await door.ask('/_index_template/x', { method: 'HEAD', headers: basic })).status).toBe(200);
    expect((await door.ask('/_ilm/policy/x', { method: 'PUT', body: '{"policy":{}}', headers: basic })).json).toEqual({
      acknowledged: true,
    });
    expect((await door.ask('/_license', { method: 'GET' })).json).toMatchObject({ license: { status: 'active' } });
  });

  it('passes on that nothing can be stored', async () => {
    await using door = await openDoor();
    door.hold(new TocsinError('bus.full', { stream: 'EVENTS_LIVE' }));
    const answer = await door.ask('/_bulk', { body: lines({ create: {} }, { x: 1 }), headers: basic });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(answer.json).toMatchObject({ error: { type: 'es_rejected_execution_exception' } });
  });
});
