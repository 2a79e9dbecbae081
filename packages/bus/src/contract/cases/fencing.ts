/** Cases about expected positions: how a writer who is no longer the owner is kept out. */
import { strict as assert } from 'node:assert';
import { isTocsinError } from '@tocsin/core';
import { at, type ContractCase, numbers } from '../contract-kit.ts';

/** Expected positions. */
export const fencingCases: readonly ContractCase[] = [
  {
    name: 'an expectation that holds is stored, one that does not is fenced',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const [first] = await bus.commit([kit.message(subject('s'), '1', { expect: 'none' })]);
      const [second] = await bus.commit([kit.message(subject('s'), '2', { expect: first?.position })]);
      await kit.refused(bus.commit([kit.message(subject('s'), 'stale', { expect: first?.position })]), 'bus.fenced');
      await kit.refused(bus.commit([kit.message(subject('s'), 'stale', { expect: 'none' })]), 'bus.fenced');
      await kit.write(bus, subject('other'), ['3']);
      await bus.commit([kit.message(subject('s'), '4', { expect: second?.position })]);
      assert.deepEqual(await kit.texts(bus, all), ['1', '2', '3', '4']);
    },
  },
  {
    name: 'a stale writer stays fenced whatever else it commits with',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const stale = await kit.open();
      const [mine] = await kit.write(stale, subject('p1'), ['owner 1']);
      await kit.write(bus, subject('p1'), ['owner 2']);
      for (const round of numbers(5)) {
        const batch = [kit.message(subject(`q${round}`), 'x'), kit.message(subject('p1'), 'late', { expect: mine })];
        await kit.refused(stale.commit(batch), 'bus.fenced');
      }
      assert.deepEqual(await kit.texts(bus, all), ['owner 1', 'owner 2']);
    },
  },
  {
    name: 'one commit may expect positions on several subjects',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const [a] = await kit.write(bus, subject('a'), ['a1']);
      const [b] = await kit.write(bus, subject('b'), ['b1']);
      const batch = (expectB: typeof b) => [
        kit.message(subject('a'), 'a2', { expect: a }),
        kit.message(subject('a'), 'a3'),
        kit.message(subject('b'), 'b2', { expect: expectB }),
        kit.message(subject('c'), 'c1', { expect: 'none' }),
      ];
      await kit.refused(bus.commit(batch(a)), 'bus.fenced');
      assert.deepEqual(await kit.texts(bus, all), ['a1', 'b1']);
      await bus.commit(batch(b));
      assert.deepEqual(await kit.texts(bus, all), ['a1', 'b1', 'a2', 'a3', 'b2', 'c1']);
    },
  },
  {
    name: 'of writers with the same expectation exactly one wins',
    async run(kit) {
      const { bus, subject } = await kit.ground();
      const others = [await kit.open(), await kit.open()];
      let last = at(await kit.write(bus, subject('race'), ['start']), 0);
      for (const round of numbers(10)) {
        const attempts = [bus, ...others].map((writer, i) =>
          writer.commit([kit.message(subject('race'), `${round}:${i}`, { expect: last })]),
        );
        const outcomes = await kit.settled(Promise.allSettled(attempts), `round ${round}`);
        const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
        const lost = outcomes.filter((outcome) => outcome.status === 'rejected' && isTocsinError(outcome.reason, 'bus.fenced'));
        assert.deepEqual([won.length, lost.length], [1, 2], `winners and losers of round ${round}`);
        last = at(won, 0).position;
      }
      assert.equal((await kit.readAll(bus, subject('race'))).length, 11);
    },
  },
  {
    name: 'after a purge of its subject nothing is there to expect',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const [first] = await kit.write(bus, subject('s'), ['1']);
      assert.ok(first !== undefined);
      await bus.purge(subject('s'), first);
      await kit.refused(bus.commit([kit.message(subject('s'), '2', { expect: first })]), 'bus.fenced');
      await bus.commit([kit.message(subject('s'), '3', { expect: 'none' })]);
      assert.deepEqual(await kit.texts(bus, all), ['3']);
    },
  },
];
