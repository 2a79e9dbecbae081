/** Cases about groups: competing members, progress that outlives them, and groups that do not hinder one another. */
import { strict as assert } from 'node:assert';
import type { Delivery } from '../../event-bus.ts';
import { ACK_WAIT_MS, at, type ContractCase, numbers, textOf, textsOf } from '../contract-kit.ts';

/** Groups and their members. */
export const groupCases: readonly ContractCase[] = [
  {
    name: 'members of a group share the work, no message to two of them',
    async run(kit) {
      const ground = await kit.ground();
      const other = await kit.open();
      await using one = await kit.join(ground, 'g', { maxMessages: 10 });
      await using two = await kit.join(ground, 'g', { maxMessages: 10, bus: other });
      await kit.write(ground.bus, ground.subject('a'), numbers(40));
      const seen: Delivery[] = [];
      const iterators = [one, two].map((member) => member[Symbol.asyncIterator]());
      const work = iterators.map(async (iterator, who) => {
        let own = 0;
        for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
          kit.note(`member ${who}: ${textOf(next.value.message)} attempt ${next.value.attempt}`);
          seen.push(next.value);
          own += 1;
          next.value.ack();
        }
        return own;
      });
      await kit.harness.time.until(() => seen.length >= 40, 'forty messages to two members');
      await kit.harness.time.pass(200);
      await Promise.all([one[Symbol.asyncDispose](), two[Symbol.asyncDispose]()]);
      const shares = await kit.settled(Promise.all(work), 'both loops to end');
      assert.deepEqual(
        textsOf(seen).sort((a, b) => Number(a) - Number(b)),
        numbers(40),
      );
      assert.equal(at(shares, 0) + at(shares, 1), 40);
    },
  },
  {
    name: 'a member that joins is given work, one that leaves gives back what it held',
    async run(kit) {
      const ground = await kit.ground();
      await kit.write(ground.bus, ground.subject('a'), numbers(4));
      const leaving = await kit.join(ground, 'g', { maxMessages: 2, ackWaitMs: ACK_WAIT_MS });
      const held = await kit.take(leaving, 2, 'leaving');
      at(held, 0).ack();
      await using joining = await kit.join(ground, 'g', { maxMessages: 10, ackWaitMs: ACK_WAIT_MS, bus: await kit.open() });
      await leaving[Symbol.asyncDispose]();
      const taken = new Map<string, number>();
      while (taken.size < 3) {
        const [delivery] = await kit.take(joining, 1, 'joining');
        assert.ok(delivery !== undefined);
        taken.set(textOf(delivery.message), delivery.attempt);
        delivery.ack();
      }
      assert.deepEqual([...taken.keys()].sort(), ['1', '2', '3']);
      assert.equal(taken.get('1'), 2);
    },
  },
  {
    name: 'a slow group holds up nobody else',
    async run(kit) {
      const ground = await kit.ground();
      await using slow = await kit.join(ground, 'slow', { maxMessages: 3 });
      await using fast = await kit.join(ground, 'fast', { bus: await kit.open() });
      const held = await kit.take(slow, 0, 'slow');
      for (const round of numbers(10)) {
        await kit.write(ground.bus, ground.subject('a'), numbers(50, `${round}:`));
        if (held.length === 0) held.push(...(await kit.take(slow, 3, 'slow')));
        const taken = await kit.take(fast, 50, 'fast');
        assert.deepEqual(textsOf(taken), numbers(50, `${round}:`));
        for (const each of taken) each.ack();
      }
      assert.deepEqual(textsOf(held), numbers(3, '0:'));
      for (const each of held) each.ack();
      assert.deepEqual(textsOf(await kit.take(slow, 3, 'slow')), ['0:3', '0:4', '0:5']);
    },
  },
  {
    name: 'what has waited at a member for longer than its ack wait is handed out once, and counted as the bus counts it',
    async run(kit) {
      const ground = await kit.ground();
      await kit.write(ground.bus, ground.subject('a'), numbers(3));
      await using slow = await kit.join(ground, 'g', { ackWaitMs: ACK_WAIT_MS });
      for (const each of await kit.take(slow, 1, 'slow')) each.ack();
      await kit.harness.time.pass(ACK_WAIT_MS * 1.3);
      const [first] = await kit.take(slow, 1, 'slow again');
      first?.retry();
      const seen: Delivery[] = [];
      const iterator = slow[Symbol.asyncIterator]();
      const loop = (async () => {
        for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
          kit.note(`slow, later: ${textOf(next.value.message)} attempt ${next.value.attempt}`);
          seen.push(next.value);
          next.value.ack();
        }
      })();
      await kit.harness.time.until(() => seen.length >= 2, 'the others');
      await kit.harness.time.pass(2 * ACK_WAIT_MS);
      await slow[Symbol.asyncDispose]();
      await kit.settled(loop, 'the loop to end');
      assert.deepEqual(textsOf(seen).sort(), ['1', '2'], 'each once');
      const again = seen.find((each) => each.position === first?.position);
      assert.equal(again?.attempt, (first?.attempt ?? 0) + 1);
    },
  },
  {
    name: 'a group starts where it is told, and only the first time',
    async run(kit) {
      const ground = await kit.ground();
      const { bus, subject } = ground;
      const positions = await kit.write(bus, subject('a'), ['1', '2']);
      await kit.harness.time.pass(50);
      const between = new Date(kit.harness.time.nowMs());
      await kit.harness.time.pass(50);
      await kit.write(bus, subject('a'), ['3']);
      await using first = await kit.join(ground, 'first', { start: 'first' });
      await using fresh = await kit.join(ground, 'new', { start: 'new' });
      await using dated = await kit.join(ground, 'dated', { start: between });
      await using after = await kit.join(ground, 'after', { start: { after: at(positions, 0) } });
      await kit.write(bus, subject('a'), ['4']);
      assert.deepEqual(textsOf(await kit.take(first, 4, 'first')), ['1', '2', '3', '4']);
      assert.deepEqual(textsOf(await kit.take(fresh, 1, 'new')), ['4']);
      assert.deepEqual(textsOf(await kit.take(dated, 2, 'dated')), ['3', '4']);
      assert.deepEqual(textsOf(await kit.take(after, 3, 'after')), ['2', '3', '4']);
    },
  },
  {
    name: 'a group goes on where its last member left it',
    async run(kit) {
      const ground = await kit.ground();
      await kit.write(ground.bus, ground.subject('a'), numbers(5));
      {
        await using subscription = await kit.join(ground, 'g');
        for (const each of await kit.take(subscription, 3, 'before')) each.ack();
        await kit.harness.time.until(
          async () => (await ground.bus.info(ground.all)).consumers.every((each) => each.unacknowledged <= 2),
          'the acks',
        );
      }
      const other = await kit.open();
      await using again = await kit.join(ground, 'g', { bus: other, start: 'new', ackWaitMs: 30_000 });
      // An adapter that asks ahead had these two already: given back, they may come in any order.
      assert.deepEqual(textsOf(await kit.take(again, 2, 'after')).sort(), ['3', '4']);
    },
  },
  {
    name: 'a subscription is registered when it resolves',
    async run(kit) {
      const ground = await kit.ground();
      const other = await kit.open();
      for (const round of numbers(10)) {
        await using subscription = await kit.join(ground, `g${round}`, { start: 'new', bus: other });
        await kit.write(ground.bus, ground.subject('a'), [round]);
        assert.deepEqual(textsOf(await kit.take(subscription, 1)), [round]);
      }
    },
  },
  {
    name: 'a group sees what its filter takes and keeps that filter',
    async run(kit) {
      const ground = await kit.ground();
      const filter = ground.subject('*.alice');
      await using subscription = await kit.join(ground, 'g', { filter });
      for (const tail of ['x.bob', 'x.alice', 'alice', 'y.alice', 'x.alice.more'])
        await kit.write(ground.bus, ground.subject(tail), [tail]);
      assert.deepEqual(textsOf(await kit.take(subscription, 2)), ['x.alice', 'y.alice']);
      await kit.refused(kit.join(ground, 'g', { filter: ground.subject('*.bob') }), 'bus.bad_request');
      await kit.refused(kit.join(ground, 'not a name'), 'bus.bad_request');
      await kit.refused(kit.join(ground, 'h', { maxMessages: 0 }), 'bus.bad_request');
      await kit.refused(kit.join(ground, 'h', { filter: 'contractNobody.>' }), 'bus.no_stream');
    },
  },
  {
    name: 'a work queue lets go of what is acknowledged',
    async run(kit) {
      const ground = await kit.ground({ retention: 'work_queue' });
      await kit.write(ground.bus, ground.subject('a'), numbers(3));
      await using subscription = await kit.join(ground, 'g');
      const [first, second] = await kit.take(subscription, 2);
      first?.ack();
      second?.reject('bad');
      await kit.harness.time.until(async () => (await ground.bus.info(ground.all)).messages === 1, 'two messages to go');
      assert.deepEqual(await kit.texts(ground.bus, ground.all), ['2']);
    },
  },
];
