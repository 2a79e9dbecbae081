/** Cases about ends: a bus closed while others wait, an abort at every wait, and what neither undoes. */
import { strict as assert } from 'node:assert';
import { ACK_WAIT_MS, bytesOf, type ContractCase, numbers, textsOf } from '../contract-kit.ts';

/** Ends: closing, disposing, aborting. */
export const closingCases: readonly ContractCase[] = [
  {
    name: 'closing ends every wait and refuses everything after',
    async run(kit) {
      const ground = await kit.ground();
      const { bus, all, subject } = ground;
      const { name } = await kit.bucketSpec(bus, 0);
      const subscription = await kit.join(ground, 'g');
      const waits = [
        subscription[Symbol.asyncIterator]().next(),
        bus.read(all, 'first', { follow: true })[Symbol.asyncIterator]().next(),
        bus.bucket(name).watch()[Symbol.asyncIterator]().next(),
      ];
      const outcomes = Promise.allSettled(waits);
      await kit.harness.time.pass(100);
      await kit.settled(Promise.all([bus[Symbol.asyncDispose](), bus[Symbol.asyncDispose]()]), 'two calls to close');
      await kit.settled(outcomes, 'every wait to end');
      for (const wait of waits) await kit.refused(wait, 'bus.closed');
      const calls = [
        bus.commit([kit.message(subject('a'), 'a')]),
        kit.join(ground, 'g'),
        bus.ensure({ streams: [], buckets: [] }),
        kit.readAll(bus, all),
        bus.get([]),
        bus.last(subject('a')),
        bus.info(all),
        bus.bucket(name).get('a'),
        bus.bucket(name).put('a', bytesOf('a'), 0),
        bus.bucket(name).keys(),
        bus.bucket(name).watch()[Symbol.asyncIterator]().next(),
        subscription[Symbol.asyncIterator]().next(),
      ];
      const settled = Promise.allSettled(calls);
      await kit.settled(settled, 'every call to be refused');
      for (const call of calls) await kit.refused(call, 'bus.closed');
      await bus[Symbol.asyncDispose]();
      assert.deepEqual(await kit.texts(await kit.open(), all), []);
    },
  },
  {
    name: 'closing with a commit under way settles the commit and comes to an end',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const message = kit.message(subject('a'), 'under way');
      const resume = await kit.harness.pauseServer();
      const commit = bus.commit([message]);
      const outcome = commit.then(
        () => 'stored',
        (error: unknown) => (error as { code?: string }).code,
      );
      await kit.settled(bus[Symbol.asyncDispose](), 'the bus to close');
      assert.equal(await kit.settled(outcome, 'the commit to settle'), 'bus.unknown');
      await resume();
      const other = await kit.open();
      await kit.settled(other.commit([message]), 'the message sent again');
      assert.deepEqual(kit.atLeastOnce(await kit.texts(other, all)), ['under way']);
    },
  },
  {
    name: "disposing a subscription ends its loop and nobody else's",
    async run(kit) {
      const ground = await kit.ground();
      const one = await kit.join(ground, 'one');
      await using two = await kit.join(ground, 'two');
      const next = one[Symbol.asyncIterator]().next();
      await kit.harness.time.pass(50);
      await kit.settled(Promise.all([one[Symbol.asyncDispose](), one[Symbol.asyncDispose]()]), 'two calls to dispose');
      assert.equal((await kit.settled(next, 'the loop to end')).done, true);
      assert.equal((await kit.settled(one[Symbol.asyncIterator]().next(), 'a later step')).done, true);
      await kit.write(ground.bus, ground.subject('a'), ['a']);
      assert.deepEqual(textsOf(await kit.take(two, 1)), ['a']);
    },
  },
  {
    name: 'after closing nothing can be settled, and it comes again',
    async run(kit) {
      const ground = await kit.ground();
      await kit.write(ground.bus, ground.subject('a'), ['a']);
      const leaving = await kit.open();
      const held = await kit.take(await kit.join(ground, 'g', { bus: leaving, ackWaitMs: ACK_WAIT_MS }), 1, 'leaving');
      await leaving[Symbol.asyncDispose]();
      for (const each of held) {
        each.extend();
        assert.deepEqual([each.ack(), each.retry(), each.reject('late')], [false, false, false]);
      }
      await using subscription = await kit.join(ground, 'g', { ackWaitMs: ACK_WAIT_MS });
      const [again] = await kit.take(subscription, 1, 'staying');
      assert.equal(again?.attempt, 2);
    },
  },
  {
    name: 'what is aborted before it begins does nothing',
    async run(kit) {
      const ground = await kit.ground();
      const { bus, all, subject } = ground;
      const { name } = await kit.bucketSpec(bus, 0);
      const reason = new Error('stopped early');
      const signal = AbortSignal.abort(reason);
      await kit.rejectedWith(bus.commit([kit.message(subject('a'), 'a')], { signal }), reason, 'a commit');
      await kit.rejectedWith(kit.join(ground, 'g', { signal }), reason, 'a subscription');
      await kit.rejectedWith(bus.read(all, 'first', { follow: true, signal })[Symbol.asyncIterator]().next(), reason, 'a read');
      await kit.rejectedWith(bus.bucket(name).watch({ signal })[Symbol.asyncIterator]().next(), reason, 'a watch');
      assert.deepEqual(await kit.texts(bus, all), []);
      assert.deepEqual((await bus.info(all)).consumers, []);
    },
  },
  {
    name: 'an abort ends the wait of an iteration, a read and a watch',
    async run(kit) {
      const ground = await kit.ground();
      const { bus, all, subject } = ground;
      const { name } = await kit.bucketSpec(bus, 0);
      await kit.write(bus, subject('a'), numbers(2));
      const stop = new AbortController();
      const { signal } = stop;
      const subscription = await kit.join(ground, 'g', { signal, ackWaitMs: ACK_WAIT_MS });
      const [first, second] = await kit.take(subscription, 2);
      const reader = bus.read(all, { after: second?.position ?? ('' as never) }, { follow: true, signal })[Symbol.asyncIterator]();
      const waits = [
        subscription[Symbol.asyncIterator]().next(),
        reader.next(),
        bus.bucket(name).watch({ signal })[Symbol.asyncIterator]().next(),
      ];
      const outcomes = Promise.allSettled(waits);
      await kit.harness.time.pass(100);
      stop.abort(new Error('stopped while waiting'));
      await kit.settled(outcomes, 'every wait to end');
      for (const wait of waits) await kit.rejectedWith(wait, signal.reason, 'a wait');
      await kit.rejectedWith(subscription[Symbol.asyncIterator]().next(), signal.reason, 'a later step');
      assert.equal(first?.ack(), true, 'what was delivered can still be settled');
      await subscription[Symbol.asyncDispose]();
      await using again = await kit.join(ground, 'g', { ackWaitMs: ACK_WAIT_MS });
      assert.deepEqual(textsOf(await kit.take(again, 1)), ['1']);
    },
  },
  {
    name: 'an abort ends the wait for a commit, not the commit',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const body = bytesOf('sent');
      const message = kit.message(subject('a'), '', { body });
      const resume = await kit.harness.pauseServer();
      const stop = new AbortController();
      const commit = bus.commit([message], { signal: stop.signal });
      const outcome = commit.then(
        () => undefined,
        (error: unknown) => error,
      );
      await kit.harness.time.pass(50);
      stop.abort(new Error('stopped while committing'));
      assert.equal(await kit.settled(outcome, 'the commit to end'), stop.signal.reason);
      await resume();
      const sentAgain = { ...message, body: bytesOf('sent') };
      body.fill(0);
      await kit.settled(bus.commit([sentAgain]), 'the message sent again');
      assert.deepEqual(kit.atLeastOnce(await kit.texts(bus, all)), ['sent']);
    },
  },
];
