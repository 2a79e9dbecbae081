/** The window of units under way: order, both bounds, the oversized one, leaving the queue. */
import { strict as assert } from 'node:assert';
import { test } from 'vitest';
import { createByteWindow } from './byte-window.ts';

async function isWaiting(promise: Promise<unknown>): Promise<boolean> {
  return (await Promise.race([promise.then(() => 'in'), new Promise((resolve) => setImmediate(() => resolve('waits')))])) === 'waits';
}

test('units enter in order while bytes and count allow', async () => {
  const window = createByteWindow({ maxBytes: 10, maxUnits: 2 });
  const leaveFirst = await window.enter(6);
  const second = window.enter(5);
  const third = window.enter(1);
  assert.deepEqual([await isWaiting(second), await isWaiting(third)], [true, true], 'the small one does not overtake');
  leaveFirst();
  leaveFirst();
  const leaveSecond = await second;
  const leaveThird = await third;
  const fourth = window.enter(1);
  assert.equal(await isWaiting(fourth), true, 'two units are the most');
  leaveSecond();
  leaveThird();
  (await fourth)();
});

test('a unit larger than the window goes alone', async () => {
  const window = createByteWindow({ maxBytes: 10, maxUnits: 2 });
  const leave = await window.enter(1_000);
  const next = window.enter(1);
  assert.equal(await isWaiting(next), true);
  leave();
  await next;
});

test('an abort leaves the queue and lets the others on', async () => {
  const window = createByteWindow({ maxBytes: 10, maxUnits: 1 });
  const leave = await window.enter(1);
  const stop = new AbortController();
  const aborted = window.enter(1, stop.signal);
  const next = window.enter(1);
  const reason = new Error('enough');
  stop.abort(reason);
  await assert.rejects(aborted, reason);
  leave();
  await next;
  await assert.rejects(window.enter(1, stop.signal), reason);
});
