/** The listener over a real gRPC connection: what is taken, who is refused before he is heard, what is said when nothing can be stored. */
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { systemClock, TocsinError } from '@tocsin/core';
import { readSettings } from '@tocsin/core/setting';
import { afterEach, describe, expect, it } from 'vitest';
import { logRecord, logsRequest } from '../../../test/protobuf-writer.ts';
import type { RawRecord, RecordResult, Source } from '../../source.ts';
import type { Listener, ListenerContext } from '../listener.ts';
import { ListenerCounts } from '../listener-counts.ts';
import { otlpGrpc } from './otlp-grpc.ts';

const source: Source = { tenant: 'acme', name: 'otel', format: 'json', lane: 'live', shard: '' };
const METHOD = '/opentelemetry.proto.collector.logs.v1.LogsService/Export';

interface Ground {
  readonly listener: Listener;
  readonly counts: ListenerCounts;
  readonly taken: RawRecord[];
  emitted: (records: readonly RawRecord[]) => Promise<RecordResult[]>;
  ask(request: Uint8Array, token?: string): Promise<{ error: ServiceError | null; answer: Buffer | undefined }>;
}

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

async function open(given: Readonly<Record<string, unknown>> = {}): Promise<Ground> {
  const counts = new ListenerCounts();
  const taken: RawRecord[] = [];
  const settings = readSettings(
    otlpGrpc.settings,
    { port: 0, ...given },
    { file: 'test', lineOf: () => undefined, environment: () => undefined },
  );
  const context: ListenerContext = {
    name: 'otlp-grpc/test',
    emit: (_source, records) => ground.emitted(records),
    precheck: () => undefined,
    authenticate: async (token) => {
      if (token === undefined) throw new TocsinError('auth.missing', {});
      if (token !== 'good') throw new TocsinError('auth.refused', { reason: 'it is not known' });
      return source;
    },
    boundSource: () => source,
    clock: systemClock,
    nextId: () => 'id',
    onTrouble: () => undefined,
    stateDir: '/nowhere',
    counts,
  };
  const listener = await otlpGrpc.open(settings, context);
  const client = new Client(listener.address.replace('grpc://', ''), credentials.createInsecure());
  opened.push(listener, { [Symbol.asyncDispose]: async () => client.close() });
  const bytes = (value: Buffer): Buffer => value;
  const ground: Ground = {
    listener,
    counts,
    taken,
    emitted: async (records) => {
      taken.push(...records);
      return records.map(
        (record): RecordResult =>
          record.refused ? { status: 'rejected', ...record.refused } : { status: 'stored', id: 'x', at: 'p' as never },
      );
    },
    ask: (request, token = 'good') =>
      new Promise((resolve) => {
        const metadata = new Metadata();
        if (token !== '') metadata.set('authorization', `Bearer ${token}`);
        client.makeUnaryRequest(METHOD, bytes, bytes, Buffer.from(request), metadata, { deadline: Date.now() + 20_000 }, (error, answer) =>
          resolve({ error, answer }),
        );
      }),
  };
  return ground;
}

describe('OpenTelemetry over gRPC', () => {
  it('answers when what it was given is durable, and not before', async () => {
    const ground = await open();
    const stored = Promise.withResolvers<void>();
    const straight = ground.emitted;
    ground.emitted = async (records) => {
      await stored.promise;
      return straight(records);
    };
    let isAnswered = false;
    const asked = ground.ask(logsRequest([logRecord('one'), logRecord({ a: 1 })], { 'service.name': 'web' }));
    void asked.then(() => (isAnswered = true));
    await ground.ask(logsRequest([]));
    expect(isAnswered).toBe(false);
    stored.resolve();
    expect(await asked).toEqual({ error: null, answer: Buffer.alloc(0) });
    expect(ground.taken.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()) as unknown)).toMatchObject([
      { 'service.name': 'web', message: 'one' },
      { 'service.name': 'web', a: 1 },
    ]);
    expect([ground.counts.records, ground.counts.stored]).toEqual([2, 2]);
  });

  it('tells what it could not read as partial success', async () => {
    const ground = await open();
    const { error, answer } = await ground.ask(logsRequest([logRecord('one'), Buffer.from([0x08])]));
    expect(error).toBeNull();
    expect(answer?.includes(Buffer.from([0x08, 1]))).toBe(true);
    expect(ground.counts.rejected.get('ingest.bad_record')).toBe(1);
  });

  it.each<[string, string, status]>([
    ['nobody', '', status.UNAUTHENTICATED],
    ['an unknown token', 'bad', status.UNAUTHENTICATED],
  ])('refuses %s before it reads', async (_name, token, code) => {
    const ground = await open({ maxMessageBytes: '1KiB' });
    // Larger than may be sent: had it been read, that would be the answer.
    const { error } = await ground.ask(Buffer.alloc(100_000), token);
    expect(error?.code).toBe(code);
    expect(ground.taken).toEqual([]);
  });

  it.each([
    ['bytes that are none', Buffer.alloc(100, 0xff), status.INVALID_ARGUMENT],
    ['a request that is cut', logsRequest([logRecord('canary')]).subarray(0, 40), status.INVALID_ARGUMENT],
    ['a request that is too large', Buffer.alloc(2_000_000), status.RESOURCE_EXHAUSTED],
  ])('refuses %s', async (_name, request, code) => {
    const ground = await open({ maxMessageBytes: '1MiB' });
    expect((await ground.ask(request)).error?.code).toBe(code);
    expect(ground.taken).toEqual([]);
    expect((await ground.ask(logsRequest([logRecord('still here')]))).error).toBeNull();
  });

  it.each([
    [new TocsinError('ingest.source_overloaded', { source: 's', maxBytes: 1 }), status.RESOURCE_EXHAUSTED, true],
    [new TocsinError('bus.unavailable', { reason: 'test' }), status.UNAVAILABLE, true],
    [new Error('secret text'), status.INTERNAL, false],
  ])('passes on %s, and whether to come again', async (failure, code, again) => {
    const ground = await open();
    ground.emitted = () => Promise.reject(failure);
    const { error } = await ground.ask(logsRequest([logRecord('x')]));
    expect(error?.code).toBe(code);
    const [details] = error?.metadata.get('grpc-status-details-bin') ?? [];
    expect(String(details).includes('google.rpc.RetryInfo')).toBe(again);
    expect(error?.details).not.toContain('secret text');
  });

  it('does not repeat a large resource without bound', async () => {
    const ground = await open({ maxInFlightBytes: '4MiB' });
    const records = Array.from({ length: 1000 }, () => logRecord('x'));
    expect((await ground.ask(logsRequest(records, { big: 'x'.repeat(50_000) }))).error?.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(ground.taken).toEqual([]);
  });

  it('cannot be opened on an address that is taken, or beyond loopback in the clear', async () => {
    const ground = await open();
    const port = Number(ground.listener.address.split(':').at(-1));
    await expect(open({ port })).rejects.toMatchObject({ code: 'listener.cannot_open' });
    await expect(open({ host: '0.0.0.0' })).rejects.toMatchObject({ code: 'config.invalid' });
  });
});
