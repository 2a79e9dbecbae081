/** Cases about positions: their order, and that one of another stream, site or life of a stream is refused. */
import { strict as assert } from 'node:assert';
import type { Position } from '@tocsin/core';
import type { CompleteBus } from '../../event-bus.ts';
import { comparePositions, encodePosition, parsePosition } from '../../position.ts';
import { at, type ContractCase, type ContractKit, type Ground, numbers, textsOf } from '../contract-kit.ts';

/** Holds when every way of using the position is refused. */
async function refusedEverywhere(kit: ContractKit, ground: Ground, position: Position): Promise<void> {
  const { bus, all, subject } = ground;
  await kit.refused(kit.readAll(bus, all, { from: { after: position } }), 'bus.bad_position');
  await kit.refused(kit.readAll(bus, all, { until: position }), 'bus.bad_position');
  await kit.refused(bus.get([position]), 'bus.bad_position');
  await kit.refused(bus.purge(all, position), 'bus.bad_position');
  await kit.refused(kit.join(ground, 'refused', { start: { after: position } }), 'bus.bad_position');
  // Whether it is malformed or merely not the last one, nothing may be stored.
  await kit.refused(bus.commit([kit.message(subject('a'), 'refused', { expect: position })]), 'bus.bad_position', 'bus.fenced');
}

/** Positions and lives of streams. */
export const positionCases: readonly ContractCase[] = [
  {
    name: 'positions are ordered as stored and say site and stream',
    async run(kit) {
      const { bus, spec, subject } = await kit.ground();
      const positions = await kit.write(bus, subject('a'), numbers(12));
      const shuffled = positions
        .map((position) => ({ position, key: kit.random() }))
        .sort((a, b) => a.key - b.key)
        .map((each) => each.position);
      assert.deepEqual(shuffled.sort(comparePositions), positions);
      const parts = positions.map(parsePosition);
      assert.deepEqual(new Set(parts.map((each) => each.stream)), new Set([spec.name]));
      assert.equal(new Set(parts.map((each) => `${each.site} ${each.generation}`)).size, 1);
    },
  },
  {
    name: 'a position from elsewhere, or beyond the end, is refused',
    async run(kit) {
      const ground = await kit.ground();
      const other = await kit.ground({}, ground.bus);
      const [own] = await kit.write(ground.bus, ground.subject('a'), ['a']);
      assert.ok(own !== undefined);
      const parts = parsePosition(own);
      const foreign = [
        encodePosition({ ...parts, site: `${parts.site}-other` }),
        encodePosition({ ...parts, stream: 'CONTRACT_UNKNOWN' }),
        encodePosition({ ...parts, generation: 'x0' }),
        encodePosition({ ...parts, sequence: parts.sequence + 1_000 }),
      ];
      for (const position of foreign) await refusedEverywhere(kit, ground, position);
      const malformed = ['', '1', 'a.b.c', `${own}.1`, `${own}0x`, '__proto__', `${own}${'0'.repeat(900)}`] as Position[];
      for (const position of malformed) await refusedEverywhere(kit, ground, position);
      const [elsewhere] = await kit.write(other.bus, other.subject('a'), ['b']);
      assert.ok(elsewhere !== undefined);
      await kit.refused(kit.readAll(ground.bus, ground.all, { from: { after: elsewhere } }), 'bus.bad_position');
      await kit.refused(ground.bus.purge(ground.all, elsewhere), 'bus.bad_position');
      assert.deepEqual(await kit.texts(ground.bus, ground.all), ['a']);
    },
  },
  {
    name: 'a stream made anew never takes a position of its earlier life',
    async run(kit) {
      const ground = await kit.ground();
      const old = await kit.write(ground.bus, ground.subject('a'), numbers(3));
      await kit.harness.dropStream(ground.spec.name);
      const drift = await ground.bus.ensure({ streams: [ground.spec], buckets: [] });
      assert.deepEqual(
        drift.map((each) => each.kind),
        ['created'],
      );
      const renewed = await kit.write(ground.bus, ground.subject('a'), numbers(3, 'new '));
      assert.equal(parsePosition(at(renewed, 0)).sequence, parsePosition(at(old, 0)).sequence, 'sequences begin again');
      for (const position of old) {
        assert.ok(!renewed.includes(position));
        assert.throws(() => comparePositions(position, at(renewed, 0)), { code: 'bus.bad_position' });
      }
      // As a sequence alone, the old last position would be the new last one.
      await refusedEverywhere(kit, ground, at(old, 2));
      const other: CompleteBus = await kit.open();
      await refusedEverywhere(kit, { ...ground, bus: other }, at(old, 0));
      assert.deepEqual(await kit.texts(other, ground.all), numbers(3, 'new '));
    },
  },
  {
    name: 'a reader whose stream is made anew is told, and given nothing of the new one',
    async run(kit) {
      const ground = await kit.ground();
      await kit.write(ground.bus, ground.subject('a'), ['old']);
      const reader = ground.bus.read(ground.all, 'first', { follow: true })[Symbol.asyncIterator]();
      const first = await kit.settled(reader.next(), 'the first message');
      assert.equal(first.done, false);
      const next = reader.next();
      const outcome = next.then(
        (result) => result,
        (error: unknown) => error,
      );
      await kit.harness.dropStream(ground.spec.name);
      await ground.bus.ensure({ streams: [ground.spec], buckets: [] });
      await kit.write(ground.bus, ground.subject('a'), numbers(3, 'new '));
      await kit.settled(outcome, 'the reader to be told');
      await kit.refused(next, 'bus.bad_position');
      await using fresh = await kit.join(ground, 'g');
      assert.deepEqual(textsOf(await kit.take(fresh, 3)), numbers(3, 'new '));
    },
  },
];
