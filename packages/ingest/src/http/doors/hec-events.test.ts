/** Events of Splunk's collector against each cut by itself (`test/naive-hec-events.ts`), and facts of envelopes, which are written once for a run of equal ones. */
import { TocsinError } from '@tocsin/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutHecEventsNaively } from '../../../test/naive-hec-events.ts';
import { cutHecEvents, HecRefusal } from './hec-events.ts';

test('each event has the facts of its own envelope, whatever came before it', () => {
  const hosts = ['a', 'a', 'b', undefined, 'ab', 'a', 7, 'a"b'];
  const body = hosts.map((host, i) => JSON.stringify({ host, source: i < 6 ? 's' : undefined, event: { i } })).join('\n');
  const records = cutHecEvents(new TextEncoder().encode(body), { maxRecords: 100 });
  const read = records.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()) as unknown);
  expect(read).toEqual(hosts.map((host, i) => ({ ...(host === undefined ? {} : { host }), ...(i < 6 ? { source: 's' } : {}), i })));
});

/** What came of a body: records as text, or the code and number of the refusal. */
function outcomeOf(cut: typeof cutHecEvents, body: Uint8Array): unknown {
  try {
    return cut(body, { maxRecords: 50 }).map(({ bytes, envelope }) => ({ text: Buffer.from(bytes).toString('latin1'), envelope }));
  } catch (error) {
    if (error instanceof HecRefusal) return { hecCode: error.hecCode, event: error.event, reason: error.message };
    if (error instanceof TocsinError) return { code: error.code, reason: error.message };
    throw error;
  }
}

const fact = fc.constantFrom<unknown>('a', 'b', 'a"b', 'é', '', 7, null, { x: 1 });
const event = fc.oneof(
  fc.constantFrom<unknown>({}, { a: 1 }, { host: 'own', n: { m: ['"', '\\'] } }, 'text', '', null, 5, [1, { a: 2 }], true),
  fc.dictionary(fc.string({ maxLength: 3 }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 }),
);
const envelope = fc.record(
  {
    time: fc.constantFrom<unknown>(1_700_000_000, '1700000000.5', 'x', null, '1e400', ' '),
    host: fact,
    source: fact,
    sourcetype: fact,
    index: fact,
    fields: fc.constantFrom<unknown>({}, { f: 1 }, { f: [1, 2], g: 'x' }, [], 'no', null),
    event,
    other: fc.jsonValue({ maxDepth: 2 }),
    'ho\nst': fc.constant(1),
  },
  { requiredKeys: [] },
);
const between = fc.constantFrom('', '\n', ' ', ',', '\r\n,');
/** A wrong byte somewhere, in a few bodies. */
const damage = fc.option(fc.record({ at: fc.nat(400), byte: fc.constantFrom(...Buffer.from('{}[]",:\\x \u0000')) }), {
  nil: undefined,
  freq: 4,
});

test('events come out as they do where each envelope is walked over by itself', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(envelope, between), { maxLength: 6 }), fc.boolean(), damage, (envelopes, isList, wrong) => {
      const text = envelopes.map(([one, gap]) => JSON.stringify(one) + gap).join('');
      const body = Buffer.from(isList ? `[${text}]` : text);
      if (wrong !== undefined && wrong.at < body.length) body[wrong.at] = wrong.byte;
      expect(outcomeOf(cutHecEvents, body), body.toString('latin1')).toEqual(outcomeOf(cutHecEventsNaively, body));
    }),
    { numRuns: 5000 },
  );
});

test('events of every size come out whole, also where they lie across what is looked at at once', () => {
  const sizes = [10, 70_000, 60_000, 200_000, 3, 300_000, 90_000, 5, 1_000_000, 40];
  const lines = sizes.map((size, i) => JSON.stringify({ host: `h${i % 3}`, event: { i, pad: '\\'.repeat(size / 2) } }));
  const body = Buffer.from(lines.join('\n'));
  expect(outcomeOf(cutHecEvents, body)).toEqual(outcomeOf(cutHecEventsNaively, body));
});
