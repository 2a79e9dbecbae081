/** Cases about one member: what it is given, when it is given again, and how it settles. */
import { strict as assert } from 'node:assert';
import { ACK_WAIT_MS, at, bytesOf, type ContractCase, type ContractKit, type Ground, numbers, textOf, textsOf } from '../contract-kit.ts';

/** Holds when the group has nothing left, delivered or not. */
async function groupIsDone(kit: ContractKit, ground: Ground, group: string): Promise<void> {
  await kit.harness.time.until(async () => {
    const found = (await ground.bus.info(ground.all)).consumers.find((each) => each.group === group);
    return found?.pending === 0 && found.unacknowledged === 0;
  }, `group ${group} to have nothing left`);
}

/** Deliveries to one member. */
export const deliveryCases: readonly ContractCase[] = [
  {
    name: 'messages are delivered in order, once, and acknowledged for good',
    async run(kit) {
      const ground = await kit.ground();
      const positions = await kit.write(ground.bus, ground.subject('a'), numbers(20));
      await using subscription = await kit.join(ground, 'g', { ackWaitMs: ACK_WAIT_MS });
      const deliveries = await kit.take(subscription, 20);
      assert.deepEqual(textsOf(deliveries), numbers(20));
      assert.deepEqual(
        deliveries.map((each) => each.position),
        positions,
      );
      assert.deepEqual(
        deliveries.map((each) => each.attempt),
        numbers(20).map(() => 1),
      );
      for (const each of deliveries) assert.equal(each.ack(), true);
      await groupIsDone(kit, ground, 'g');
      await kit.harness.time.pass(ACK_WAIT_MS * 2);
      await kit.write(ground.bus, ground.subject('a'), ['next']);
      assert.deepEqual(textsOf(await kit.take(subscription, 1)), ['next']);
    },
  },
  {
    name: 'what is not answered comes again after its ack wait, its attempts counted',
    async run(kit) {
      const ground = await kit.ground();
      await kit.write(ground.bus, ground.subject('a'), ['a']);
      await using subscription = await kit.join(ground, 'g', { ackWaitMs: ACK_WAIT_MS });
      for (const attempt of [1, 2, 3]) {
        const beforeMs = kit.harness.time.nowMs();
        const [delivery] = await kit.take(subscription, 1);
        assert.equal(delivery?.attempt, attempt);
        if (attempt > 1) assert.ok(kit.harness.time.nowMs() - beforeMs >= ACK_WAIT_MS * 0.7, 'not before its ack wait');
        if (attempt === 3) delivery.ack();
      }
      await groupIsDone(kit, ground, 'g');
    },
  },
  {
    name: 'a retry comes again after the time asked for, not before',
    async run(kit) {
      const ground = await kit.ground();
      await kit.write(ground.bus, ground.subject('a'), ['a', 'b']);
      await using subscription = await kit.join(ground, 'g');
      const [a, b] = await kit.take(subscription, 2);
      assert.ok(a !== undefined && b !== undefined);
      const askedMs = kit.harness.time.nowMs();
      assert.equal(a.retry({ afterMs: 600 }), true);
      assert.equal(b.retry(), true);
      const [first, second] = await kit.take(subscription, 2);
      assert.deepEqual([first && textOf(first.message), first?.attempt], ['b', 2]);
      assert.deepEqual([second && textOf(second.message), second?.attempt], ['a', 2]);
      assert.ok(kit.harness.time.nowMs() - askedMs >= 500, 'the retry waited');
    },
  },
  {
    name: 'what is rejected is not delivered again and holds up nothing',
    async run(kit) {
      const ground = await kit.ground();
      await kit.write(ground.bus, ground.subject('a'), ['bad', 'good']);
      await using subscription = await kit.join(ground, 'g', { ackWaitMs: ACK_WAIT_MS });
      const [bad, good] = await kit.take(subscription, 2);
      assert.equal(bad?.reject('it is malformed: \r\n"quoted" é'), true);
      assert.equal(good?.ack(), true);
      await groupIsDone(kit, ground, 'g');
      await kit.harness.time.pass(ACK_WAIT_MS * 2);
      await kit.write(ground.bus, ground.subject('a'), ['next']);
      assert.deepEqual(textsOf(await kit.take(subscription, 1)), ['next']);
    },
  },
  {
    name: 'of ack, retry and reject the first wins',
    async run(kit) {
      const ground = await kit.ground();
      await kit.write(ground.bus, ground.subject('a'), ['acked', 'rejected', 'retried']);
      await using subscription = await kit.join(ground, 'g');
      const [acked, rejected, retried] = await kit.take(subscription, 3);
      assert.ok(acked !== undefined && rejected !== undefined && retried !== undefined);
      assert.deepEqual([acked.ack(), acked.ack(), acked.retry(), acked.reject('late')], [true, false, false, false]);
      assert.deepEqual([rejected.reject('bad'), rejected.retry(), rejected.ack()], [true, false, false]);
      assert.deepEqual([retried.retry(), retried.ack(), retried.reject('late')], [true, false, false]);
      acked.extend();
      const [again] = await kit.take(subscription, 1);
      assert.deepEqual([again && textOf(again.message), again?.attempt], ['retried', 2]);
      assert.equal(again?.ack(), true);
      await groupIsDone(kit, ground, 'g');
    },
  },
  {
    name: 'extending keeps a message from coming again',
    async run(kit) {
      const ground = await kit.ground();
      await kit.write(ground.bus, ground.subject('a'), ['slow']);
      await using subscription = await kit.join(ground, 'g', { ackWaitMs: 1_000 });
      const [slow] = await kit.take(subscription, 1);
      assert.ok(slow !== undefined);
      for (let round = 0; round < 6; round++) {
        await kit.harness.time.pass(400);
        slow.extend();
      }
      slow.ack();
      await kit.write(ground.bus, ground.subject('a'), ['next']);
      assert.deepEqual(textsOf(await kit.take(subscription, 1)), ['next']);
    },
  },
  {
    name: 'a member holds no more messages than it asked for',
    async run(kit) {
      const ground = await kit.ground();
      await kit.write(ground.bus, ground.subject('a'), numbers(6));
      await using subscription = await kit.join(ground, 'g', { maxMessages: 2 });
      const held = await kit.take(subscription, 2);
      const iterator = subscription[Symbol.asyncIterator]();
      let third = '';
      const next = iterator.next().then((result) => {
        if (!result.done) third = textOf(result.value.message);
      });
      await kit.harness.time.pass(300);
      assert.equal(third, '', 'no third while two are held');
      at(held, 0).ack();
      await kit.settled(next, 'a third once one is settled');
      assert.equal(third, '2');
    },
  },
  {
    name: 'a member holds no more bytes than it asked for, one message aside',
    async run(kit) {
      const ground = await kit.ground();
      const large = 'x'.repeat(10_000);
      await kit.write(ground.bus, ground.subject('a'), [large, large, `${large}end`]);
      await using subscription = await kit.join(ground, 'g', { maxBytes: 4_000 });
      const [first] = await kit.take(subscription, 1);
      const next = kit.take(subscription, 1);
      let came = false;
      const mark = next.then(() => {
        came = true;
      });
      await kit.harness.time.pass(300);
      assert.equal(came, false, 'no second while the first is held');
      first?.ack();
      await kit.settled(mark, 'a second once the first is settled');
      at(await next, 0).ack();
      assert.deepEqual(textOf(at(await kit.take(subscription, 1), 0).message).endsWith('(10003 bytes)'), true);
    },
  },
  {
    name: 'a delivery carries headers, id, and its own bytes',
    async run(kit) {
      const ground = await kit.ground();
      const sent = kit.message(ground.subject('a'), 'body', { headers: { Kind: 'frame' } });
      const [published] = await ground.bus.commit([sent]);
      await using one = await kit.join(ground, 'one');
      await using two = await kit.join(ground, 'two');
      const [first] = await kit.take(one, 1);
      assert.deepEqual(
        [first?.message.id, first?.message.subject, first?.position, { ...first?.message.headers }],
        [sent.id, sent.subject, published?.position, { Kind: 'frame' }],
      );
      first?.message.body.set(bytesOf('BODY'));
      assert.deepEqual(textsOf(await kit.take(two, 1)), ['body']);
      assert.ok(Math.abs((first?.message.storedMs ?? 0) - kit.harness.time.nowMs()) < 60_000, 'stored about now');
    },
  },
];
