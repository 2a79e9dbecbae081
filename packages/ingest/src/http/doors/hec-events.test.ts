/** Facts of envelopes, which are written once for a run of equal ones: each event keeps its own. */
import { expect, test } from 'vitest';
import { cutHecEvents } from './hec-events.ts';

test('each event has the facts of its own envelope, whatever came before it', () => {
  const hosts = ['a', 'a', 'b', undefined, 'ab', 'a', 7, 'a"b'];
  const body = hosts.map((host, i) => JSON.stringify({ host, source: i < 6 ? 's' : undefined, event: { i } })).join('\n');
  const records = cutHecEvents(new TextEncoder().encode(body), { maxRecords: 100 });
  const read = records.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()) as unknown);
  expect(read).toEqual(hosts.map((host, i) => ({ ...(host === undefined ? {} : { host }), ...(i < 6 ? { source: 's' } : {}), i })));
});
