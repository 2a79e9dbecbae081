/** Cases about commits: one unit, whole or not at all, and what a message carries. */
import { strict as assert } from 'node:assert';
import { comparePositions } from '../../position.ts';
import { at, bytesOf, type ContractCase, numbers } from '../contract-kit.ts';

const LARGEST_PART = 64 * 1024;

/** One commit, one unit. */
export const commitCases: readonly ContractCase[] = [
  {
    name: 'a commit is stored whole and in the order given',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const published = await bus.commit(numbers(20).map((text, i) => kit.message(subject(`s${i % 3}`), text)));
      assert.deepEqual(
        published.map((each) => each.duplicate),
        numbers(20).map(() => false),
      );
      for (let i = 1; i < 20; i++)
        assert.ok(comparePositions(at(published, i - 1).position, at(published, i).position) < 0, `position ${i} rises`);
      const stored = await kit.readAll(bus, all);
      assert.deepEqual(
        stored.map((each) => [each.id, each.subject, each.position]),
        published.map((each) => [each.id, each.subject, each.position]),
      );
    },
  },
  {
    name: 'one failed expectation refuses the whole commit',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const [first] = await kit.write(bus, subject('taken'), ['first']);
      const batch = [
        kit.message(subject('a'), 'a'),
        kit.message(subject('taken'), 'stale', { expect: 'none' }),
        kit.message(subject('b'), 'b'),
      ];
      await kit.refused(bus.commit(batch), 'bus.fenced');
      const texts = await kit.texts(bus, all);
      if (kit.guarantees.atomicCommit) assert.deepEqual(texts, ['first']);
      else assert.deepEqual(texts, ['first', 'a', 'b'].slice(0, texts.length));
      assert.ok(!texts.includes('stale'));
      assert.equal((await bus.last(subject('taken')))?.position, first);
    },
  },
  {
    name: 'a commit that need not be a unit stores the same, in the order of each subject',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      for (const count of [1, 5, 40]) {
        const batch = numbers(count).map((text) => kit.message(subject(`${count}-${text}`), text));
        const published = await bus.commit(batch, { asUnit: false });
        assert.deepEqual(
          published.map(({ id, subject: where, duplicate }) => [id, where, duplicate]),
          batch.map(({ id, subject: where }) => [id, where, false]),
        );
        const again = await bus.commit(batch, { asUnit: false });
        assert.deepEqual(
          again.map(({ position, duplicate }) => [position, duplicate]),
          published.map(({ position }) => [position, true]),
        );
      }
      const ordered = await bus.commit(kit.messages(subject('same'), 6), { asUnit: false });
      for (let i = 1; i < 6; i++)
        assert.ok(comparePositions(at(ordered, i - 1).position, at(ordered, i).position) < 0, `position ${i} rises`);
      assert.equal((await kit.readAll(bus, all)).length, 1 + 5 + 40 + 6);
    },
  },
  {
    name: 'a failed expectation in a commit that need not be a unit is told, and what else is stored is recognised',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      await kit.write(bus, subject('taken'), ['first']);
      const others = [kit.message(subject('a'), 'a'), kit.message(subject('b'), 'b')];
      await kit.refused(
        bus.commit([...others, kit.message(subject('taken'), 'stale', { expect: 'none' })], { asUnit: false }),
        'bus.fenced',
      );
      await bus.commit(others, { asUnit: false });
      assert.deepEqual((await kit.texts(bus, all)).toSorted(), ['a', 'b', 'first']);
    },
  },
  {
    name: 'as many messages as the bus takes in one commit are one unit',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const count = Math.min(kit.guarantees.maxCommitMessages, 2_000);
      const published = await kit.settled(bus.commit(kit.messages(subject('many'), count)), 'a commit of the largest count');
      assert.equal(published.length, count);
      assert.deepEqual(await kit.texts(bus, all), numbers(count));
    },
  },
  {
    name: 'commits under way at the same time do not mix',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const other = await kit.open();
      const commits = numbers(12).map((writer, i) => (i % 2 ? bus : other).commit(kit.messages(subject(`w${writer}`), 10, `${writer}:`)));
      await kit.settled(Promise.all(commits), 'twelve commits at once');
      const texts = await kit.texts(bus, all);
      assert.equal(texts.length, 120);
      for (const writer of numbers(12)) {
        const indexes = texts.flatMap((text, i) => (text.startsWith(`${writer}:`) ? [i] : []));
        assert.deepEqual(
          indexes.map((i) => texts[i]),
          numbers(10, `${writer}:`),
          `order of writer ${writer}`,
        );
        if (kit.guarantees.atomicCommit) assert.equal(at(indexes, -1) - at(indexes, 0), 9, `the commit of writer ${writer} is contiguous`);
      }
    },
  },
  {
    name: 'an oversize message stores nothing of its commit',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const huge = kit.message(subject('huge'), '', { body: new Uint8Array(kit.guarantees.maxMessageBytes + 1) });
      await kit.refused(bus.commit([kit.message(subject('a'), 'a'), huge]), 'bus.too_large');
      assert.deepEqual(await kit.texts(bus, all), []);
      await kit.write(bus, subject('a'), ['next']);
      assert.deepEqual(await kit.texts(bus, all), ['next']);
    },
  },
  {
    name: 'a message of the largest size comes back whole',
    async run(kit) {
      const { bus, subject } = await kit.ground();
      const id = 'largest';
      const body = new Uint8Array(kit.guarantees.maxMessageBytes - id.length);
      for (let i = 0; i < body.length; i += 997) body[i] = kit.draw(256);
      await kit.settled(bus.commit([kit.message(subject('large'), '', { id, body })]), 'a message of the largest size');
      const stored = await kit.settled(bus.last(subject('large')), 'the largest message');
      assert.ok(stored !== undefined && Buffer.compare(stored.body, body) === 0);
    },
  },
  {
    name: 'a commit of several large messages is one unit',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const bodies = numbers(40).map((_, i) => new Uint8Array(LARGEST_PART).fill(i));
      await kit.settled(bus.commit(bodies.map((body) => kit.message(subject('large'), '', { body }))), 'a commit of 2.5 MiB');
      const stored = await kit.readAll(bus, all);
      assert.deepEqual(
        stored.map((each) => [each.body.byteLength, each.body[0]]),
        bodies.map((body) => [LARGEST_PART, body[0]]),
      );
    },
  },
  {
    name: 'a commit that cannot be one is refused before anything is stored',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const second = await kit.ground({}, bus);
      const twice = kit.message(subject('a'), 'a');
      await kit.refused(bus.commit([twice, kit.message(second.subject('b'), 'b')]), 'bus.bad_commit');
      await kit.refused(bus.commit([twice, { ...twice, subject: subject('b') }]), 'bus.bad_commit');
      await kit.refused(bus.commit([twice, kit.message(subject('a'), 'b', { expect: 'none' })]), 'bus.bad_commit');
      await kit.refused(bus.commit(kit.messages(subject('many'), kit.guarantees.maxCommitMessages + 1)), 'bus.bad_commit');
      await kit.refused(bus.commit([kit.message('contractNobody.a', 'a')]), 'bus.no_stream');
      assert.deepEqual(await bus.commit([]), []);
      assert.deepEqual(await kit.texts(bus, all), []);
      assert.deepEqual(await kit.texts(bus, second.all), []);
    },
  },
  {
    name: 'headers, empty bodies and any bytes come back unchanged',
    async run(kit) {
      const { bus, subject } = await kit.ground();
      const headers = { 'Tocsin-Frame': 'a: b, "c"; d=%00', constructor: 'own', Empty: '' };
      const body = Uint8Array.from({ length: 1024 }, (_, i) => (i < 256 ? i : kit.draw(256)));
      await bus.commit([kit.message(subject('bytes'), '', { headers, body }), kit.message(subject('empty'), '')]);
      const [bytes, empty] = [await bus.last(subject('bytes')), await bus.last(subject('empty'))];
      assert.ok(bytes !== undefined && empty !== undefined);
      assert.deepEqual({ ...bytes.headers }, headers);
      assert.equal(Buffer.compare(bytes.body, body), 0);
      assert.deepEqual([empty.body.byteLength, { ...empty.headers }], [0, {}]);
    },
  },
  {
    name: 'ids and headers that some bus could not carry are refused',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const ids = ['', ' ', 'a b', 'a\r\nb', 'é', 'x'.repeat(257)];
      for (const id of ids) await kit.refused(bus.commit([kit.message(subject('a'), 'a', { id })]), 'bus.bad_request');
      const headers = [
        { 'a b': 'x' },
        { 'a:b': 'x' },
        { a: 'x\r\nNats-Msg-Id: y' },
        { a: ' x' },
        { a: 'é' },
        { 'Nats-Msg-Id': 'x' },
        { 'nats-rollup': 'all' },
      ];
      for (const each of headers) await kit.refused(bus.commit([kit.message(subject('a'), 'a', { headers: each })]), 'bus.bad_request');
      assert.deepEqual(await kit.texts(bus, all), []);
    },
  },
  {
    name: "bodies are the caller's again once a commit has settled",
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      const body = bytesOf('original');
      await bus.commit([kit.message(subject('a'), '', { body })]);
      body.fill(0);
      const [stored] = await kit.readAll(bus, all);
      stored?.body.fill(1);
      assert.deepEqual(await kit.texts(bus, all), ['original']);
    },
  },
];
