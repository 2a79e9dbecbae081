/** A thread that is kept busy for longer than an answer may take: it could neither send nor read, and is answered all the same. */
import { strict as assert } from 'node:assert';
import { test } from 'vitest';
import { serverSearchPath } from '../../test/server-search-path.ts';
import { openNatsHarness } from './nats-harness.ts';

const SPEC = { name: 'OTHER', subjects: ['other.>'], maxAgeMs: 0, maxBytes: -1, maxPerSubject: 0, dedupWindowMs: 60_000 };
/** Longer than any call waits. */
const BUSY_MS = 5_500;

test('a call that its own thread held up is not said to have had no answer', async () => {
  await using harness = await openNatsHarness(serverSearchPath);
  await using bus = await harness.openBus();
  await bus.ensure({ streams: [SPEC], buckets: [] });
  const asked = bus.info('other.>');
  // As parsing three thousand rules does.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_MS);
  assert.equal((await asked).messages, 0);
});
