/** The quick variant: three kills of nats-server and three of writer or reader, with 1 and with 200 sources. */
import { expect, test } from 'vitest';
import { missingNatsServer } from '../nats-server-found.ts';
import { runFaults } from './scenario.ts';

const seed = 7;

test.for([
  { sources: 1, tenants: 1 },
  { sources: 200, tenants: 20 },
])('nothing acked is lost, and alerts are those of a run without faults: $sources sources', async (load, context) => {
  const missing = missingNatsServer();
  if (missing !== undefined) context.skip(missing);
  const { failures, ...counts } = await runFaults({ ...load, seed, rate: 4000 }, 3);
  const none = Object.fromEntries(Object.keys(failures).map((name) => [name, 0]));
  expect(failures, `seed ${seed}: ${JSON.stringify(counts)}`).toEqual(none);
  expect(counts).toMatchObject({ serverKills: 3, writerKills: 2, readerKills: 1 });
  expect(counts.alerts, 'alerts compared').toBeGreaterThanOrEqual(load.sources);
});
