/** Cases about plans: messages kept now and put on another subject at a time. */
import { strict as assert } from 'node:assert';
import { isTocsinError } from '@tocsin/core';
import { type ContractCase, type ContractKit, type Ground, textOf, textsOf } from '../contract-kit.ts';

/** A stream that takes plans; those wait on `at.…`. */
const PLANNED = { hasPlans: true } as const;
/** How much later than its time a plan may come true, milliseconds. */
const LATE_MS = 5_000;

async function planned(
  kit: ContractKit,
  ground: Ground,
  { name, inMs, text = name }: { name: string; inMs: number; text?: string },
): Promise<number> {
  const atMs = kit.harness.time.nowMs() + inMs;
  await ground.bus.commit([kit.message(ground.subject(`at.${name}`), text, { plan: { subject: ground.subject('due'), atMs } })]);
  return atMs;
}

async function texts(ground: Ground, tail: string): Promise<string[]> {
  const found: string[] = [];
  for await (const stored of ground.bus.read(ground.subject(tail), 'first')) found.push(textOf(stored));
  return found;
}

/** Whether the stream can be asked of. */
async function answers({ bus, all }: Ground): Promise<boolean> {
  try {
    await bus.info(all);
    return true;
  } catch (error) {
    if (isTocsinError(error, 'bus.unavailable')) return false;
    throw error;
  }
}

/** Plans. */
export const planCases: readonly ContractCase[] = [
  {
    name: 'a plan comes true at its time, not before, with id, headers and body, and is gone then',
    async run(kit) {
      const ground = await kit.ground(PLANNED);
      const atMs = kit.harness.time.nowMs() + 1_000;
      const message = kit.message(ground.subject('at.a'), 'body', {
        headers: { 'Tocsin-Test': 'kept' },
        plan: { subject: ground.subject('due'), atMs },
      });
      await ground.bus.commit([message]);
      const waiting = await ground.bus.last(ground.subject('at.a'));
      assert.deepEqual(waiting?.plan, { subject: ground.subject('due'), atMs });
      assert.equal(waiting.id, message.id);
      await using subscription = await kit.join(ground, 'due', { filter: ground.subject('due') });
      const [delivery] = await kit.take(subscription, 1);
      const lateMs = kit.harness.time.nowMs() - atMs;
      assert.ok(lateMs >= -50 && lateMs < LATE_MS, `it came ${lateMs} ms after its time`);
      assert.equal(delivery?.message.id, message.id);
      assert.deepEqual(delivery.message.headers, { 'Tocsin-Test': 'kept' });
      assert.equal(delivery.message.plan, undefined);
      assert.equal(textOf(delivery.message), 'body');
      delivery.ack();
      assert.deepEqual(await texts(ground, 'at.>'), []);
    },
  },
  {
    name: 'a later plan of a subject takes the place of the former, and one whose time has passed comes true at once',
    async run(kit) {
      const ground = await kit.ground(PLANNED);
      await planned(kit, ground, { name: 'a', inMs: 60_000, text: 'former' });
      await planned(kit, ground, { name: 'a', inMs: 1_000, text: 'later' });
      await planned(kit, ground, { name: 'b', inMs: -60_000, text: 'passed' });
      assert.deepEqual(await texts(ground, 'at.a'), ['later']);
      await kit.harness.time.until(async () => (await texts(ground, 'due')).length === 2, 'both to come true');
      assert.deepEqual(await texts(ground, 'due'), ['passed', 'later']);
    },
  },
  {
    name: 'a plan that is purged does not come true',
    async run(kit) {
      const ground = await kit.ground(PLANNED);
      await planned(kit, ground, { name: 'off', inMs: 1_000 });
      await planned(kit, ground, { name: 'on', inMs: 1_200 });
      const off = await ground.bus.last(ground.subject('at.off'));
      assert.ok(off !== undefined);
      assert.equal(await ground.bus.purge(ground.subject('at.off'), off.position), 1);
      await kit.harness.time.until(async () => (await texts(ground, 'due')).length > 0, 'the other to come true');
      await kit.harness.time.pass(500);
      assert.deepEqual(await texts(ground, 'due'), ['on']);
    },
  },
  {
    name: 'plans outlive a kill of the server: one due meanwhile comes true when it is back, once, and one to come at its time',
    async run(kit) {
      const ground = await kit.ground(PLANNED);
      if (ground.bus.guarantees.durability === 'none') kit.note('kept by the server, which outlives its connections');
      await planned(kit, ground, { name: 'missed', inMs: 700 });
      const atMs = await planned(kit, ground, { name: 'to-come', inMs: 3_000 });
      await kit.harness.stopServer({ kill: true });
      await kit.harness.time.pass(1_000);
      await kit.harness.startServer();
      // A cluster elects a leader first.
      await kit.harness.time.until(() => answers(ground), 'the stream to answer');
      await using subscription = await kit.join(ground, 'due', { filter: ground.subject('due') });
      const deliveries = await kit.take(subscription, 2);
      for (const each of deliveries) each.ack();
      assert.deepEqual(textsOf(deliveries), ['missed', 'to-come']);
      assert.ok(kit.harness.time.nowMs() >= atMs - 50, 'not before its time');
      await kit.harness.time.pass(500);
      assert.deepEqual(await texts(ground, 'due'), ['missed', 'to-come']);
    },
  },
  {
    name: 'a plan sent again with its id is known',
    async run(kit) {
      const ground = await kit.ground(PLANNED);
      const plan = { subject: ground.subject('due'), atMs: kit.harness.time.nowMs() + 60_000 };
      const message = kit.message(ground.subject('at.a'), 'a', { plan });
      const [first] = await ground.bus.commit([message]);
      const [again] = await ground.bus.commit([message]);
      assert.ok(first !== undefined && again !== undefined);
      // A bus that forgets ids lets the later plan take the place of the first.
      if (kit.remembersIds) assert.deepEqual(again, { ...first, duplicate: true });
      else assert.equal(again.duplicate, false);
      await ground.bus.purge(ground.subject('at.a'), again.position);
    },
  },
  {
    name: 'refuses plans among other messages, to their own subject, to another stream, and where none are taken',
    async run(kit) {
      const ground = await kit.ground(PLANNED);
      const bare = await kit.ground();
      const at = (subject: string) => ({ plan: { subject, atMs: kit.harness.time.nowMs() + 60_000 } });
      const due = ground.subject('due');
      const alone = kit.message(ground.subject('at.a'), 'a', at(due));
      await kit.refused(ground.bus.commit([alone, kit.message(ground.subject('b'), 'b')]), 'bus.bad_commit');
      await kit.refused(ground.bus.commit([kit.message(due, 'a', at(due))]), 'bus.bad_commit');
      await kit.refused(ground.bus.commit([kit.message(ground.subject('at.a'), 'a', at(bare.subject('due')))]), 'bus.bad_commit');
      await kit.refused(ground.bus.commit([kit.message(bare.subject('at.a'), 'a', at(bare.subject('due')))]), 'bus.bad_commit');
      await kit.refused(
        ground.bus.commit([kit.message(ground.subject('at.a'), 'a', { plan: { subject: due, atMs: Number.NaN } })]),
        'bus.bad_request',
      );
      assert.deepEqual(await texts(ground, '>'), []);
    },
  },
];
