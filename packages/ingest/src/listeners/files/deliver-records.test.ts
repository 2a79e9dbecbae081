/** Records of files: one that can never be taken costs none of its neighbours, and a source that is not to be had costs none at all. */
import { TocsinError } from '@tocsin/core';
import { beforeEach, expect, test } from 'vitest';
import type { RawRecord, RecordResult } from '../../source.ts';
import { ContractIntake } from '../contract/contract-intake.ts';
import { CONTRACT_SOURCE } from '../contract/listener-driver.ts';
import type { Emit, ListenerContext } from '../listener.ts';
import { deliverRecords } from './deliver-records.ts';

let intake: ContractIntake;
let context: ListenerContext;
beforeEach(() => {
  intake = new ContractIntake();
  context = intake.context('/nowhere');
});

const record = (text: string): RawRecord => ({ bytes: Buffer.from(text) });
const signal = new AbortController().signal;
const texts = (count: number): string[] => Array.from({ length: count }, (_, i) => `n${i}`);
/** An intake that takes nothing together with a record whose text has `poison` in it. */
const picky = (error: () => unknown): Emit => {
  const { emit } = context;
  return async (source, records, options) => {
    if (records.some(({ bytes }) => Buffer.from(bytes).includes('poison'))) throw error();
    return await emit(source, records, options);
  };
};

test.each([
  ['an error that is final', () => new TocsinError('decode.too_large', { bytes: 2, maxBytes: 1 }), 'decode.too_large'],
  ['an error without a name', () => new RangeError('Invalid array length'), 'ingest.internal'],
])('%s costs the record that it is about', { timeout: 30_000 }, async (_, error, code) => {
  const given = texts(10).toSpliced(6, 1, 'poison');
  const results: RecordResult[] = [];
  const to = {
    context: { ...context, emit: picky(error) },
    source: CONTRACT_SOURCE,
    signal,
    onResults: (some: readonly RecordResult[]) => void results.push(...some),
  };
  expect(await deliverRecords(given.map(record), to)).toBe(true);
  expect(intake.stored).toEqual(given.filter((text) => text !== 'poison'));
  expect(results.map(({ status }) => status)).toEqual(given.map((text) => (text === 'poison' ? 'rejected' : 'stored')));
  const { records, stored, rejected } = intake.counts;
  expect([records, stored, Object.fromEntries(rejected)]).toEqual([10, 9, { [code]: 1 }]);
});

test('in parts the records have the ids that the key of the batch gave them', async () => {
  const given = texts(8).map(record);
  await deliverRecords(given, { context, source: CONTRACT_SOURCE, signal, key: 'k' });
  const emit = picky(() => new TocsinError('decode.too_large', { bytes: 2, maxBytes: 1 }));
  await deliverRecords(given.toSpliced(3, 1, record('poison')), {
    context: { ...context, emit },
    source: CONTRACT_SOURCE,
    signal,
    key: 'k',
  });
  expect([intake.stored.length, intake.counts.duplicate]).toEqual([8, 7]);
});

test.each([
  ['its key is missing', () => new TocsinError('privacy.no_key', { source: 's' })],
  ['it is not known', () => new TocsinError('listener.source_unknown', { listener: 'l', source: 's', tenant: 't' })],
])(
  'as long as a source is not to be had, since %s, its records wait',
  async (_, error) => {
    let isAway = true;
    let asked = 0;
    const boundSource = (name: string) => {
      asked += 1;
      if (asked >= 7) isAway = false;
      if (isAway) throw error();
      return context.boundSource(name);
    };
    expect(await deliverRecords(texts(3).map(record), { context: { ...context, boundSource }, source: CONTRACT_SOURCE, signal })).toBe(
      true,
    );
    expect([intake.stored, intake.counts.rejected.size]).toEqual([texts(3), 0]);
  },
  15_000,
);

test('what the system below has too little of is waited for', async () => {
  let tries = 0;
  const { emit } = context;
  const short: Emit = (...given) => {
    if (++tries < 7) throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE', syscall: 'open' });
    return emit(...given);
  };
  expect(await deliverRecords(texts(3).map(record), { context: { ...context, emit: short }, source: CONTRACT_SOURCE, signal })).toBe(true);
  expect([intake.stored, intake.counts.rejected.size]).toEqual([texts(3), 0]);
}, 15_000);

test('stopped in between, what is left counts as refused and is not settled', async () => {
  const stop = new AbortController();
  const emit: Emit = async (_source, records) => {
    if (records.length > 1) throw new TocsinError('decode.too_large', { bytes: 2, maxBytes: 1 });
    stop.abort();
    return [];
  };
  expect(await deliverRecords(texts(4).map(record), { context: { ...context, emit }, source: CONTRACT_SOURCE, signal: stop.signal })).toBe(
    false,
  );
  expect(intake.counts.refused.get('ingest.closing')).toBeGreaterThan(0);
});
