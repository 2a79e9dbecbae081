/** Cases about state buckets: compare-and-set, life of a value, and watching. */
import { strict as assert } from 'node:assert';
import { encodeToken, isTocsinError } from '@tocsin/core';
import type { StateBucket } from '../../event-bus.ts';
import { bytesOf, type ContractCase, type ContractKit, numbers, textOf } from '../contract-kit.ts';

const MAX_VALUE_BYTES = 512 * 1024;

/** Watches in the background: changes as `key=text` or `key deleted`, and revisions that never fall for a key. */
function watching(
  kit: ContractKit,
  bucket: StateBucket,
): { readonly seen: string[]; readonly ended: Promise<unknown>; readonly stop: AbortController } {
  const seen: string[] = [];
  const stop = new AbortController();
  const revisions = new Map<string, number>();
  const loop = async (): Promise<void> => {
    for await (const change of bucket.watch({ signal: stop.signal })) {
      const line = change.deleted ? `${change.key} deleted` : `${change.key}=${textOf({ body: change.value })}`;
      kit.note(`watch: ${line} at ${change.revision}`);
      assert.ok(change.revision > (revisions.get(change.key) ?? 0), `revisions of ${change.key} rise`);
      revisions.set(change.key, change.revision);
      seen.push(line);
    }
  };
  return {
    seen,
    stop,
    ended: loop().then(
      () => undefined,
      (error: unknown) => error,
    ),
  };
}

/** State buckets. */
export const stateCases: readonly ContractCase[] = [
  {
    name: 'a value changes only for who knows its revision',
    async run(kit) {
      const bus = await kit.open();
      const { name } = await kit.bucketSpec(bus, 0);
      const bucket = bus.bucket(name);
      assert.equal(await bucket.get('a'), undefined);
      const first = await bucket.put('a', bytesOf('1'), 0);
      await kit.refused(bucket.put('a', bytesOf('x'), 0), 'bus.fenced');
      const second = await bucket.put('a', bytesOf('2'), first);
      assert.ok(second > first);
      await kit.refused(bucket.put('a', bytesOf('x'), first), 'bus.fenced');
      await kit.refused(bucket.put('b', bytesOf('x'), second), 'bus.fenced');
      await kit.refused(bucket.delete('a', first), 'bus.fenced');
      const other = (await kit.open()).bucket(name);
      const found = await other.get('a');
      assert.deepEqual([found?.key, found && textOf({ body: found.value }), found?.revision], ['a', '2', second]);
      await other.delete('a', second);
      assert.equal(await bucket.get('a'), undefined);
      assert.deepEqual(await bucket.keys(), []);
      await kit.refused(bucket.put('a', bytesOf('x'), second), 'bus.fenced');
      const third = await bucket.put('a', bytesOf('3'), 0);
      assert.ok(third > second, 'revisions never come again');
    },
  },
  {
    name: 'of writers with the same revision exactly one wins',
    async run(kit) {
      const bus = await kit.open();
      const { name } = await kit.bucketSpec(bus, 0);
      const handles = [bus, await kit.open(), await kit.open()].map((each) => each.bucket(name));
      let revision = 0;
      for (const round of numbers(8)) {
        const outcomes = await kit.settled(
          Promise.allSettled(handles.map((each, i) => each.put('lease', bytesOf(`${round}:${i}`), revision))),
          `round ${round}`,
        );
        const won = outcomes.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
        assert.equal(won.length, 1, `winners of round ${round}`);
        assert.ok(outcomes.every((each) => each.status === 'fulfilled' || isTocsinError(each.reason, 'bus.fenced')));
        revision = won[0] ?? 0;
      }
    },
  },
  {
    name: 'a value ends after its life, and a put renews it',
    async run(kit) {
      const bus = await kit.open();
      const { name } = await kit.bucketSpec(bus, 1_500);
      const bucket = bus.bucket(name);
      let revision = await bucket.put('renewed', bytesOf('1'), 0);
      const lost = await bucket.put('lost', bytesOf('1'), 0);
      for (let round = 0; round < 4; round++) {
        await kit.harness.time.pass(500);
        revision = await bucket.put('renewed', bytesOf('2'), revision);
      }
      await kit.harness.time.until(async () => (await bucket.get('lost')) === undefined, 'the value not renewed to end');
      assert.equal((await bucket.get('renewed'))?.revision, revision);
      assert.deepEqual(await bucket.keys(), ['renewed']);
      await kit.refused(bucket.put('lost', bytesOf('2'), lost), 'bus.fenced');
      assert.ok((await bucket.put('lost', bytesOf('2'), 0)) > revision);
    },
  },
  {
    name: "a watch tells present values, then every key's changes and deletions",
    async run(kit) {
      const bus = await kit.open();
      const { name } = await kit.bucketSpec(bus, 0);
      const bucket = bus.bucket(name);
      const a = await bucket.put('a', bytesOf('1'), 0);
      const gone = await bucket.put('gone', bytesOf('x'), 0);
      await bucket.delete('gone', gone);
      const { seen, ended, stop } = watching(kit, (await kit.open()).bucket(name));
      await kit.harness.time.until(() => seen.includes('a=1'), 'the present value');
      assert.ok(!seen.includes('gone=x'));
      await bucket.put('a', bytesOf('2'), a);
      const b = await bucket.put('b.c', bytesOf(''), 0);
      await kit.harness.time.until(() => seen.includes('a=2') && seen.includes('b.c='), 'the changes');
      await bucket.delete('b.c', b);
      await kit.harness.time.until(() => seen.at(-1) === 'b.c deleted', 'the deletion');
      stop.abort();
      assert.equal(await kit.settled(ended, 'the watch to end'), stop.signal.reason);
    },
  },
  {
    name: 'a watch tells of a value that has ended',
    async run(kit) {
      const bus = await kit.open();
      const { name } = await kit.bucketSpec(bus, 1_000);
      const { seen, ended, stop } = watching(kit, bus.bucket(name));
      await bus.bucket(name).put('lease', bytesOf('mine'), 0);
      await kit.harness.time.until(() => seen.includes('lease=mine'), 'the value');
      await kit.harness.time.until(() => seen.includes('lease deleted'), 'its end');
      stop.abort();
      await kit.settled(ended, 'the watch to end');
    },
  },
  {
    name: 'keys are names, values are bytes up to 512 KiB',
    async run(kit) {
      const bus = await kit.open();
      const { name } = await kit.bucketSpec(bus, 0);
      const bucket = bus.bucket(name);
      const keys = [
        'constructor',
        'hasOwnProperty',
        '__proto__',
        encodeToken('__x proto'),
        'a.b.c',
        encodeToken('*'),
        encodeToken('a.>'),
        'A',
        'a',
      ];
      for (const key of keys) await bucket.put(key, bytesOf(key), 0);
      assert.deepEqual(await bucket.keys(), [...keys].sort());
      for (const key of keys) assert.equal(textOf({ body: (await bucket.get(key))?.value ?? bytesOf('none') }), key);
      for (const key of ['', '*', '>', 'a.*', 'a..b', '.a', 'a.', 'a b', 'é', '_kv', '_kvx.a', 'x'.repeat(600)]) {
        await kit.refused(bucket.put(key, bytesOf('x'), 0), 'bus.bad_request');
        await kit.refused(bucket.get(key), 'bus.bad_request');
        await kit.refused(bucket.delete(key, 0), 'bus.bad_request');
      }
      const large = new Uint8Array(MAX_VALUE_BYTES).fill(7);
      await kit.settled(bucket.put('large', large, 0), 'the largest value');
      large.fill(0);
      const found = await bucket.get('large');
      assert.deepEqual([found?.value.byteLength, found?.value[0], found?.value.at(-1)], [MAX_VALUE_BYTES, 7, 7]);
      await kit.refused(bucket.put('larger', new Uint8Array(MAX_VALUE_BYTES + 1), 0), 'bus.too_large');
      await kit.refused(bus.bucket('contract_unknown').get('a'), 'bus.no_stream');
      assert.deepEqual((await bucket.keys()).length, keys.length + 1);
    },
  },
  {
    name: 'values and watches survive a restart of the server',
    async run(kit) {
      const bus = await kit.open();
      const { name } = await kit.bucketSpec(bus, 0);
      const bucket = bus.bucket(name);
      const { seen, ended, stop } = watching(kit, bucket);
      const revision = await bucket.put('a', bytesOf('1'), 0);
      await kit.harness.time.until(() => seen.includes('a=1'), 'the value');
      await kit.harness.stopServer({ kill: true });
      await kit.harness.startServer();
      await kit.harness.time.until(
        () =>
          bucket.get('a').then(
            (entry) => entry?.revision === revision,
            () => false,
          ),
        'the value after the restart',
      );
      await bucket.put('a', bytesOf('2'), revision);
      await kit.harness.time.until(() => seen.includes('a=2'), 'the change after the restart');
      stop.abort();
      await kit.settled(ended, 'the watch to end');
    },
  },
];
