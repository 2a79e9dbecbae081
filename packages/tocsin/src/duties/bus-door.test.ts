/** The door on the bus: what of a message becomes a dead letter, and that a source which cannot be used now holds up nobody else. */
import type { CompleteBus } from '@tocsin/bus';
import { systemClock, TocsinError } from '@tocsin/core';
import { compilePrivacy, ListenerCounts, type MessageDoorOptions, type RecordResult, type Source } from '@tocsin/ingest';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dropInto, openGround, until } from '../../test/ground.ts';
import { deadLetterHeaders, readDeadLetter, type StoredDeadLetter } from '../deadletters/dead-letter.ts';
import { inSubject, retrySubject } from '../subjects.ts';
import { openBusDoor } from './bus-door.ts';

const BATCH = { 'Content-Type': 'application/cloudevents-batch+json' };
const plain = (name: string): Source => ({ tenant: 'default', name, format: 'json', lane: 'live', shard: '' });
const event = (id: string, data: object): string => JSON.stringify({ specversion: '1.0', id, source: '/x', type: 't', data });

let bus: CompleteBus;
let stored: string[];
let troubles: string[];
let door: AsyncDisposable | undefined;
beforeEach(async () => {
  ({ bus } = await openGround());
  stored = [];
  troubles = [];
});
afterEach(async () => {
  await door?.[Symbol.asyncDispose]();
});

function open(find: (name: string) => Source | undefined, conceals: (name: string) => boolean = () => false): void {
  const emit: MessageDoorOptions['context']['emit'] = async (source, records, options) =>
    records.map((record): RecordResult => {
      options?.onTaken?.(1);
      const id = record.envelope?.id ?? '';
      if (record.refused !== undefined) return { status: 'rejected', ...record.refused };
      if (id.startsWith('bad')) return { status: 'rejected', code: 'decode.too_deep', reason: 'deep' };
      stored.push(`${source.name} ${id}`);
      return { status: 'stored', id, at: {} as never };
    });
  door = openBusDoor({
    bus,
    book: { find: (_tenant, name) => find(name), conceals: (_tenant, name) => conceals(name) },
    context: { name: 'nats/in', emit, counts: new ListenerCounts(), onTrouble: (_error, what) => void troubles.push(what) },
    drop: dropInto(bus),
    nowMs: () => systemClock.nowMs(),
    onFirst: () => undefined,
  });
}

async function put(source: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
  await bus.commit([{ subject: inSubject('default', source), id: `${source}.${body.length}`, headers, body: Buffer.from(body) }]);
}

async function letters(): Promise<StoredDeadLetter[]> {
  const found: StoredDeadLetter[] = [];
  for await (const message of bus.read('tocsin.deadletter.>' as never, 'first')) found.push(readDeadLetter(message));
  return found;
}

test('of a batch only what was refused is a dead letter, and redriven it stores nothing twice', async () => {
  open(plain);
  await put('app', `[${event('a', {})},${event('bad', {})},${event('b', {})}]`, BATCH);
  await until(async () => (await letters()).length === 1);
  const [dead] = await letters();
  expect([stored, Buffer.from(dead?.body ?? '').toString()]).toEqual([['app a', 'app b'], `[${event('bad', {})}]`]);
  expect(dead?.letter.errors[0]?.text).toBe('event 2 of the message: deep');
  if (dead === undefined) return;
  const again = { ...dead.letter, state: 'redriven' as const, redrives: 1 };
  await bus.commit([{ subject: retrySubject('in'), id: 'again', headers: deadLetterHeaders(again), body: dead.body }]);
  await until(async () => (await letters())[0]?.letter.redrives === 1);
  expect(Buffer.from((await letters())[0]?.body ?? '').toString()).toBe(`[${event('bad', {})}]`);
  expect(stored).toEqual(['app a', 'app b']);
});

test('of a source that conceals no bytes are kept, revoked or not', async () => {
  const privacy = compilePrivacy({ fields: [{ field: 'ssn', act: 'mask' }] }, { tenant: 'default', source: 'hr', key: undefined });
  open(
    (name) => {
      if (name === 'gone') throw new TocsinError('auth.refused', { reason: 'its source was revoked' });
      return name === 'nobody' ? undefined : { ...plain(name), privacy };
    },
    (name) => name !== 'nobody',
  );
  const person = { ssn: '078-05-1120' };
  await put('hr', `[${event('a', person)},${event('bad', person)}]`, BATCH);
  await put('gone', event('c', person));
  await put('nobody', event('d', { name: 'kept' }));
  await until(async () => (await letters()).length === 3);
  const dead = await letters();
  expect(JSON.stringify(dead.map(({ letter, body }) => [letter, Buffer.from(body).toString()]))).not.toContain('078');
  expect(new Map(dead.map(({ letter, body }) => [letter.source, body.length > 0]))).toEqual(
    new Map([
      ['gone', false],
      ['hr', false],
      ['nobody', true],
    ]),
  );
});

test('a source that cannot be used now keeps its messages, and holds up no other', async () => {
  let isAway = true;
  open((name) => {
    if (name === 'keyed' && isAway) throw new TocsinError('privacy.no_key', { source: name });
    return plain(name);
  });
  await put('keyed', event('first', {}));
  await put('app', event('second', {}));
  await until(() => stored.includes('app second'));
  expect(troubles).toEqual(['nats/in: a message is delivered again']);
  isAway = false;
  await until(() => stored.includes('keyed first'));
  expect(await letters()).toEqual([]);
});
