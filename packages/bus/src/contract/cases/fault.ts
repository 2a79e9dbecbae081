/** Cases about servers that die, hang, or have no room: what was answered is there once, what was not can be sent again. */
import { strict as assert } from 'node:assert';
import { isTocsinError } from '@tocsin/core';
import type { CompleteBus, Outgoing } from '../../event-bus.ts';
import { ACK_WAIT_MS, at, type ContractCase, type ContractKit, numbers, textOf } from '../contract-kit.ts';

/** Commits and sends again with the same ids until it is answered; says how often that took. */
async function commitUntilStored(kit: ContractKit, bus: CompleteBus, batch: readonly Outgoing[]): Promise<number> {
  let sent = 0;
  await kit.harness.time.until(
    async () => {
      sent += 1;
      try {
        await kit.settled(bus.commit(batch), 'an answer to a commit');
        return true;
      } catch (error) {
        assert.ok(isTocsinError(error, 'bus.unknown') || isTocsinError(error, 'bus.unavailable'), String(error));
        kit.note(`${at(batch, 0).id}: ${error.code}`);
        return false;
      }
    },
    `commit of ${at(batch, 0).id} to be answered`,
  );
  return sent;
}

/** Servers that die, hang, or are full. */
export const faultCases: readonly ContractCase[] = [
  {
    name: 'a server killed while commits are under way loses and doubles nothing answered',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      for (const round of numbers(5)) {
        const batches = numbers(8).map((batch) => kit.messages(subject(`w${batch}`), 5, `${round}:${batch}:`));
        const commits = batches.map((batch) => bus.commit(batch));
        const settled = Promise.allSettled(commits);
        if (kit.draw(2) === 0)
          await Promise.race(
            commits.map((each) =>
              each.then(
                () => undefined,
                () => undefined,
              ),
            ),
          );
        await kit.harness.stopServer({ kill: true });
        await kit.harness.startServer();
        const outcomes = await kit.settled(settled, 'every commit to settle');
        kit.note(`round ${round}: ${outcomes.map((each) => each.status).join(' ')}`);
        for (const [i, outcome] of outcomes.entries()) {
          // What was answered is not sent again: that would hide a loss.
          if (outcome.status === 'fulfilled') continue;
          assert.ok(
            isTocsinError(outcome.reason, 'bus.unknown') || isTocsinError(outcome.reason, 'bus.unavailable'),
            String(outcome.reason),
          );
          await commitUntilStored(kit, bus, at(batches, i));
        }
      }
      const texts = (await kit.readAll(bus, all)).map(textOf);
      const wanted = numbers(5).flatMap((round) => numbers(8).flatMap((batch) => numbers(5, `${round}:${batch}:`)));
      assert.deepEqual([...kit.atLeastOnce(texts)].sort(), wanted.sort(), 'each message once');
      for (let i = 0; i < texts.length && kit.guarantees.atomicCommit; i += 5) {
        assert.deepEqual(texts.slice(i, i + 5), numbers(5, (texts[i] ?? '').slice(0, -1)), 'each commit in one piece');
      }
    },
  },
  {
    name: 'a commit without an answer ends as unknown and can be sent again',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      await kit.write(bus, subject('a'), ['before']);
      const single = [kit.message(subject('a'), 'single')];
      const batch = kit.messages(subject('b'), 10);
      const resume = await kit.harness.pauseServer();
      const hanging = [bus.commit(single), bus.commit(batch)];
      const outcomes = Promise.allSettled(hanging);
      await kit.settled(outcomes, 'both commits to end without an answer');
      for (const each of hanging) await kit.refused(each, 'bus.unknown');
      await resume();
      await commitUntilStored(kit, bus, batch);
      await commitUntilStored(kit, bus, single);
      assert.deepEqual([...kit.atLeastOnce(await kit.texts(bus, all))].sort(), ['before', 'single', ...numbers(10)].sort());
      assert.deepEqual(kit.atLeastOnce(await kit.texts(bus, subject('b'))), numbers(10));
    },
  },
  {
    name: 'a bus without a server refuses, and recovers by itself',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      await kit.write(bus, subject('a'), ['before']);
      await kit.harness.stopServer({ kill: false });
      const message = kit.message(subject('a'), 'meanwhile');
      await kit.refused(bus.commit([message]), 'bus.unavailable', 'bus.unknown');
      await kit.refused(bus.info(all), 'bus.unavailable');
      await kit.refused(bus.last(subject('a')), 'bus.unavailable');
      await kit.harness.startServer();
      await commitUntilStored(kit, bus, [message]);
      assert.deepEqual(kit.atLeastOnce(await kit.texts(bus, all)), ['before', 'meanwhile']);
    },
  },
  {
    name: 'a full stream refuses whole commits, evicts nothing, and takes more after a purge',
    async run(kit) {
      const { bus, all, subject, spec } = await kit.ground({ maxBytes: 200_000 });
      const filler = 'x'.repeat(10_000);
      let stored = 0;
      await kit.harness.time.until(async () => {
        try {
          await bus.commit([kit.message(subject('a'), filler)]);
          stored += 1;
          return false;
        } catch (error) {
          assert.ok(isTocsinError(error, 'bus.full'), String(error));
          return true;
        }
      }, 'the stream to be full');
      assert.ok(stored >= 15 && stored <= 20, `${stored} messages of 10 kB in 200 kB`);
      await kit.refused(
        bus.commit([kit.message(subject('b'), 'small'), ...numbers(3).map(() => kit.message(subject('b'), filler))]),
        'bus.full',
      );
      assert.equal((await kit.readAll(bus, all)).length, stored);
      const first = at(await kit.readAll(bus, all, { limit: 10 }), -1);
      assert.equal(await bus.purge(all, first.position), 10);
      await bus.commit([kit.message(subject('b'), 'small'), kit.message(subject('b'), filler)]);
      assert.equal((await bus.info(all)).messages, stored - 8);
      assert.equal((await bus.info(all)).stream, spec.name);
    },
  },
  {
    name: 'a subscription goes on after a restart, unsettled messages included',
    async run(kit) {
      const ground = await kit.ground();
      const { bus, subject } = ground;
      await kit.write(bus, subject('a'), numbers(3));
      await using subscription = await kit.join(ground, 'g', { ackWaitMs: ACK_WAIT_MS });
      const [first] = await kit.take(subscription, 1);
      assert.ok(first !== undefined);
      // Servers write what was delivered to whom a few times a second: a kill before that takes the count of attempts with it, nothing else.
      await kit.harness.time.pass(300);
      for (const kill of [true, false]) {
        await kit.harness.stopServer({ kill });
        await kit.harness.startServer();
      }
      await commitUntilStored(kit, bus, [kit.message(subject('a'), '3')]);
      const attempts = new Map<string, number>();
      while (attempts.size < 4) {
        const [delivery] = await kit.take(subscription, 1);
        assert.ok(delivery !== undefined);
        attempts.set(textOf(delivery.message), delivery.attempt);
        delivery.ack();
      }
      assert.deepEqual([...attempts.keys()].sort(), numbers(4));
      assert.ok((attempts.get('0') ?? 0) >= 2, 'the unsettled one came again, and says so');
    },
  },
];
