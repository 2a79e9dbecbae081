/** Cases about reading the log itself: ranges, following, what retention and purges leave. */
import { strict as assert } from 'node:assert';
import { at, type ContractCase, type ContractKit, numbers, textOf } from '../contract-kit.ts';

/** Follows a filter in the background; stops when `signal` aborts with `STOP`. */
function follow(
  kit: ContractKit,
  messages: AsyncIterable<{ readonly body: Uint8Array }>,
): { readonly seen: string[]; readonly ended: Promise<unknown> } {
  const seen: string[] = [];
  const loop = async (): Promise<void> => {
    for await (const message of messages) {
      kit.note(`followed ${textOf(message)}`);
      seen.push(textOf(message));
    }
  };
  return {
    seen,
    ended: loop().then(
      () => undefined,
      (error: unknown) => error,
    ),
  };
}

/** Reading, following, purging, retention. */
export const readCases: readonly ContractCase[] = [
  {
    name: 'a read begins and ends where it is told',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const early = await kit.write(bus, subject('a'), numbers(5));
      await kit.harness.time.pass(50);
      const between = new Date(kit.harness.time.nowMs());
      await kit.harness.time.pass(50);
      await kit.write(bus, subject('b'), ['5', '6']);
      assert.deepEqual(await kit.texts(bus, all), numbers(7));
      assert.deepEqual(await kit.texts(bus, all, { from: { after: at(early, 2) } }), ['3', '4', '5', '6']);
      assert.deepEqual(await kit.texts(bus, all, { from: between }), ['5', '6']);
      assert.deepEqual(await kit.texts(bus, all, { from: new Date(0) }), numbers(7));
      assert.deepEqual(await kit.texts(bus, all, { from: new Date(kit.harness.time.nowMs() + 3_600_000) }), []);
      assert.deepEqual(await kit.texts(bus, all, { from: 'new' }), []);
      assert.deepEqual(await kit.texts(bus, all, { until: at(early, 3) }), numbers(4));
      assert.deepEqual(await kit.texts(bus, subject('b'), { until: at(early, 3) }), []);
      assert.deepEqual(await kit.texts(bus, all, { from: { after: at(early, 0) }, limit: 2 }), ['1', '2']);
      assert.deepEqual(await kit.texts(bus, all, { from: { after: at(early, 3) }, until: at(early, 1) }), []);
      assert.deepEqual(await kit.texts(bus, all, { limit: 0 }), []);
      assert.deepEqual(await kit.texts(bus, all, { follow: true, until: at(early, 1) }), ['0', '1']);
    },
  },
  {
    name: 'a read of many messages is complete and in order',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      for (const part of numbers(6)) await kit.write(bus, subject(`s${part}`), numbers(500, `${part}:`));
      const texts = (await kit.readAll(bus, all)).map(textOf);
      assert.deepEqual(
        texts,
        numbers(6).flatMap((part) => numbers(500, `${part}:`)),
      );
      assert.deepEqual(await kit.texts(bus, subject('s4'), { limit: 3 }), numbers(3, '4:'));
    },
  },
  {
    name: 'a read that does not follow ends at what was last when it began',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      await kit.write(bus, subject('a'), numbers(3));
      const seen: string[] = [];
      for await (const stored of bus.read(all, 'first')) {
        seen.push(textOf(stored));
        await kit.write(bus, subject('a'), [`late ${seen.length}`]);
        assert.ok(seen.length < 10, 'the read ends');
      }
      assert.deepEqual(seen, numbers(3));
    },
  },
  {
    name: 'a following read sees what comes, from every connection',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const other = await kit.open();
      await kit.write(bus, subject('a'), ['0']);
      const stop = new AbortController();
      const { seen, ended } = follow(kit, bus.read(all, 'first', { follow: true, signal: stop.signal }));
      await kit.write(other, subject('a'), ['1', '2']);
      await kit.harness.time.until(() => seen.length === 3, 'three messages');
      await kit.write(bus, subject('b'), ['3']);
      await kit.harness.time.until(() => seen.length === 4, 'a fourth message');
      stop.abort();
      assert.equal(await kit.settled(ended, 'the read to end'), stop.signal.reason);
      assert.deepEqual(seen, numbers(4));
    },
  },
  {
    name: 'a following read survives restarts without gap or repeat',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const stop = new AbortController();
      const { seen, ended } = follow(kit, bus.read(all, 'first', { follow: true, signal: stop.signal }));
      for (const round of numbers(4)) {
        await kit.write(bus, subject('a'), numbers(20, `${round}:`));
        if (kit.draw(2) === 0) await kit.harness.time.until(() => seen.length > 0, 'the reader to be under way');
        await kit.harness.stopServer({ kill: kit.draw(4) > 0 });
        await kit.harness.startServer();
        await kit.settled(waitUntilReachable(kit, bus, all), 'the bus to reconnect');
      }
      await kit.harness.time.until(() => seen.length >= 80, 'eighty messages');
      await kit.write(bus, subject('a'), ['end']);
      await kit.harness.time.until(() => seen.at(-1) === 'end', 'the last message');
      stop.abort();
      await kit.settled(ended, 'the read to end');
      assert.deepEqual(seen, [...numbers(4).flatMap((round) => numbers(20, `${round}:`)), 'end']);
    },
  },
  {
    name: 'get, last and info tell what is there',
    async run(kit) {
      const ground = await kit.ground();
      const { bus, all, subject } = ground;
      assert.equal(await bus.last(subject('a')), undefined);
      const empty = await bus.info(all);
      assert.deepEqual([empty.stream, empty.messages, empty.first, empty.last], [ground.spec.name, 0, undefined, undefined]);
      const positions = await kit.write(bus, subject('a'), ['0', '1', '2']);
      await kit.write(bus, subject('b'), ['3']);
      const wanted = [at(positions, 2), at(positions, 0), at(positions, 2)];
      assert.deepEqual((await bus.get(wanted)).map(textOf), ['2', '0', '2']);
      assert.deepEqual(await bus.get([]), []);
      const last = await bus.last(subject('a'));
      assert.deepEqual([last?.position, last && textOf(last), last?.subject], [at(positions, 2), '2', subject('a')]);
      await using subscription = await kit.join(ground, 'g', { maxMessages: 1 });
      await kit.take(subscription, 1);
      await kit.harness.time.until(async () => {
        const info = await bus.info(all);
        const [consumer] = info.consumers;
        return (
          info.messages === 4 &&
          info.bytes > 0 &&
          info.first === positions[0] &&
          consumer?.group === 'g' &&
          consumer.unacknowledged === 1 &&
          consumer.pending === 3
        );
      }, 'info to count four messages, one of them delivered');
    },
  },
  {
    name: 'a purge removes what its filter takes up to a position',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const a = await kit.write(bus, subject('a'), ['a0', 'a1', 'a2']);
      await kit.write(bus, subject('b'), ['b0']);
      await kit.write(bus, subject('a'), ['a3']);
      assert.equal(await bus.purge(subject('a'), at(a, 1)), 2);
      assert.equal(await bus.purge(subject('a'), at(a, 1)), 0);
      assert.deepEqual(await kit.texts(bus, all), ['a2', 'b0', 'a3']);
      assert.deepEqual((await bus.get(a)).map(textOf), ['a2']);
      const last = await bus.last(subject('a'));
      assert.ok(last !== undefined);
      assert.equal(await bus.purge(all, last.position), 3);
      assert.equal((await bus.info(all)).messages, 0);
      const [next] = await kit.write(bus, subject('a'), ['later']);
      assert.ok(next !== undefined);
      assert.deepEqual(await kit.texts(bus, all, { from: { after: at(a, 0) } }), ['later']);
    },
  },
  {
    name: 'a purge under a reader and a group leaves them what is left',
    async run(kit) {
      const ground = await kit.ground();
      const { bus, all, subject } = ground;
      const positions = await kit.write(bus, subject('a'), numbers(300));
      await using subscription = await kit.join(ground, 'g', { maxMessages: 2, ackWaitMs: 30_000 });
      const held = await kit.take(subscription, 2);
      const stop = new AbortController();
      const reader = bus.read(all, 'first', { follow: true, signal: stop.signal })[Symbol.asyncIterator]();
      const first = await kit.settled(reader.next(), 'the first message');
      assert.ok(!first.done && textOf(first.value) === '0');
      await bus.purge(all, at(positions, 289));
      const seen: number[] = [];
      while (seen.at(-1) !== 299) {
        const next = await kit.settled(reader.next(), 'what is left');
        assert.ok(!next.done);
        seen.push(Number(textOf(next.value)));
      }
      assert.deepEqual(
        seen.slice(-10),
        numbers(10).map((text) => 290 + Number(text)),
      );
      assert.deepEqual(
        seen,
        [...seen].sort((a, b) => a - b),
      );
      stop.abort();
      await kit.rejectedWith(reader.next(), stop.signal.reason, 'the read');
      for (const each of held) each.ack();
      await kit.harness.time.until(
        async () => Number(textOf(at(await kit.take(subscription, 1), 0).message)) >= 290,
        'the group to be past the purge',
      );
    },
  },
  {
    name: 'retention keeps the newest per subject and lets go by age',
    async run(kit) {
      const newest = await kit.ground({ maxPerSubject: 2 });
      await kit.write(newest.bus, newest.subject('a'), numbers(5));
      await kit.write(newest.bus, newest.subject('b'), ['b']);
      assert.deepEqual(await kit.texts(newest.bus, newest.all), ['3', '4', 'b']);
      const aged = await kit.ground({ maxAgeMs: 1_000, dedupWindowMs: 500 }, newest.bus);
      await kit.write(aged.bus, aged.subject('a'), ['old']);
      await kit.harness.time.until(async () => (await aged.bus.info(aged.all)).messages === 0, 'the message to outlive its age');
      assert.deepEqual(await kit.texts(aged.bus, aged.all), []);
      assert.equal(await aged.bus.last(aged.subject('a')), undefined);
    },
  },
];

/** Resolves once the bus answers again. */
async function waitUntilReachable(kit: ContractKit, bus: { info(filter: string): Promise<unknown> }, filter: string): Promise<void> {
  await kit.harness.time.until(
    () =>
      bus.info(filter).then(
        () => true,
        () => false,
      ),
    'the bus to answer',
  );
}
