/** Cases about ids: what was stored before is recognised, answered with its position, and not stored again. */
import { strict as assert } from 'node:assert';
import { at, type ContractCase, numbers, textOf } from '../contract-kit.ts';

/** Ids that come again. */
export const duplicateCases: readonly ContractCase[] = [
  {
    name: 'a commit sent again is a duplicate throughout, at its first positions',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const batch = [
        kit.message(subject('a'), 'a', { expect: 'none' }),
        kit.message(subject('a'), 'b'),
        kit.message(subject('c'), 'c', { expect: 'none' }),
      ];
      const first = await bus.commit(batch);
      for (const sender of [bus, await kit.open()]) {
        // Where ids are not remembered it is the expectation that keeps the second copy out.
        if (kit.remembersIds)
          assert.deepEqual(
            await sender.commit(batch),
            first.map((each) => ({ ...each, duplicate: true })),
          );
        else await kit.refused(sender.commit(batch), 'bus.fenced');
      }
      assert.deepEqual(await kit.texts(bus, all), ['a', 'b', 'c']);
    },
  },
  {
    name: 'a single message sent again is a duplicate at its first position',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const message = kit.message(subject('a'), 'a');
      const [first] = await bus.commit([message]);
      await kit.write(bus, subject('a'), ['b']);
      const again = await bus.commit([{ ...message, body: new Uint8Array(3) }]);
      assert.equal(at(again, 0).duplicate, kit.remembersIds);
      if (kit.remembersIds) assert.deepEqual(again, [{ ...first, duplicate: true }]);
      assert.equal((await kit.readAll(bus, all)).length, kit.remembersIds ? 2 : 3);
    },
  },
  {
    name: 'of a commit known in part the rest is stored, nothing twice',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const batch = kit.messages(subject('a'), 10);
      const early = await bus.commit([at(batch, 2), at(batch, 5)]);
      const published = await kit.settled(bus.commit(batch), 'a commit known in part');
      assert.deepEqual(
        published.map((each) => each.duplicate),
        batch.map((_, i) => kit.remembersIds && (i === 2 || i === 5)),
      );
      const rest = kit.remembersIds ? ['0', '1', '3', '4', '6', '7', '8', '9'] : numbers(10);
      if (kit.remembersIds)
        assert.deepEqual(
          [at(published, 2).position, at(published, 5).position],
          early.map((each) => each.position),
        );
      assert.deepEqual(await kit.texts(bus, all), ['2', '5', ...rest]);
      const stored = await kit.settled(bus.get(published.map((each) => each.position)), 'all by position');
      assert.deepEqual(stored.map(textOf), numbers(10));
    },
  },
  {
    name: 'ids are remembered across a server that stops or is killed',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const sent = kit.messages(subject('a'), 5);
      const first = await bus.commit(sent);
      for (const kill of [false, true]) {
        await kit.harness.stopServer({ kill });
        await kit.harness.startServer();
        const fresh = await kit.open();
        const again = await kit.settled(fresh.commit(sent), `a resend after ${kill ? 'a kill' : 'a stop'}`);
        if (kit.remembersIds)
          assert.deepEqual(
            again,
            first.map((each) => ({ ...each, duplicate: true })),
          );
        else assert.ok(again.every((each) => !each.duplicate));
      }
      const copies = kit.remembersIds ? 1 : 3;
      assert.deepEqual(
        await kit.texts(await kit.open(), all),
        numbers(copies).flatMap(() => numbers(5)),
      );
    },
  },
  {
    name: 'an id is forgotten once its window has passed',
    async run(kit) {
      const { bus, all, subject } = await kit.ground({ dedupWindowMs: 300 });
      const message = kit.message(subject('a'), 'a');
      const started = await bus.commit([message]);
      assert.equal(at(await bus.commit([message]), 0).duplicate, kit.remembersIds);
      await kit.harness.time.until(async () => !at(await bus.commit([message]), 0).duplicate, 'the id to be forgotten');
      assert.equal(at(started, 0).duplicate, false);
      assert.equal((await kit.readAll(bus, all)).length, kit.remembersIds ? 2 : 3);
    },
  },
  {
    name: 'the same id in two streams is two messages',
    async run(kit) {
      const one = await kit.ground();
      const two = await kit.ground({}, one.bus);
      const id = 'shared';
      await one.bus.commit([kit.message(one.subject('a'), '1', { id })]);
      const [second] = await one.bus.commit([kit.message(two.subject('a'), '2', { id })]);
      assert.equal(second?.duplicate, false);
      assert.deepEqual(await kit.texts(one.bus, two.all), ['2']);
    },
  },
];
