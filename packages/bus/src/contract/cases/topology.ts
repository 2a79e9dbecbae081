/** Cases about topology: declared, applied once, every difference reported. */
import { strict as assert } from 'node:assert';
import type { StreamSpec, Topology } from '../../event-bus.ts';
import type { ContractCase } from '../contract-kit.ts';

const SPEC: StreamSpec = {
  name: 'TOPOLOGY',
  subjects: ['topology.>'],
  maxAgeMs: 3_600_000,
  maxBytes: 1_000_000,
  maxPerSubject: 0,
  dedupWindowMs: 60_000,
};

/** Declared streams and buckets. */
export const topologyCases: readonly ContractCase[] = [
  {
    name: 'applying a topology twice changes nothing',
    async run(kit) {
      const bus = await kit.open();
      const topology: Topology = { streams: [SPEC], buckets: [{ name: 'topology', ttlMs: 5_000 }] };
      const first = await bus.ensure(topology);
      assert.deepEqual(first.map((each) => `${each.kind} ${each.name}`).sort(), ['created TOPOLOGY', 'created topology']);
      await kit.write(bus, 'topology.a', ['kept']);
      assert.deepEqual(await bus.ensure(topology), []);
      assert.deepEqual(await (await kit.open()).ensure(topology), []);
      assert.deepEqual(await kit.texts(bus, 'topology.>'), ['kept']);
    },
  },
  {
    name: 'what differs is updated where it may be and reported in any case',
    async run(kit) {
      const bus = await kit.open();
      await bus.ensure({ streams: [SPEC], buckets: [{ name: 'topology', ttlMs: 5_000 }] });
      const [old] = await kit.write(bus, 'topology.a', ['kept']);
      const changed: StreamSpec = { ...SPEC, maxBytes: 2_000_000, subjects: ['topology.>', 'topology2.>'], retention: 'work_queue' };
      const drift = await bus.ensure({ streams: [changed], buckets: [{ name: 'topology', ttlMs: 9_000 }] });
      assert.deepEqual(drift.map((each) => `${each.kind} ${each.name} ${each.field}: ${each.found} -> ${each.declared}`).sort(), [
        'refused TOPOLOGY retention: limits -> work_queue',
        'updated TOPOLOGY maxBytes: 1000000 -> 2000000',
        'updated TOPOLOGY subjects: topology.> -> topology.>,topology2.>',
        'updated topology ttlMs: 5000 -> 9000',
      ]);
      const again = await bus.ensure({ streams: [changed], buckets: [{ name: 'topology', ttlMs: 9_000 }] });
      assert.deepEqual(
        again.map((each) => [each.kind, each.field]),
        [['refused', 'retention']],
      );
      await kit.write(bus, 'topology2.a', ['new subject']);
      assert.deepEqual(await kit.texts(bus, 'topology.>', old && { from: { after: old } }), []);
      assert.deepEqual(await kit.texts(bus, 'topology2.>'), ['new subject']);
    },
  },
  {
    name: 'a topology that makes no sense is refused whole',
    async run(kit) {
      const bus = await kit.open();
      const other: StreamSpec = { ...SPEC, name: 'OTHER', subjects: ['other.>'] };
      const refused: readonly StreamSpec[] = [
        { ...SPEC, subjects: ['other.*.x'] },
        { ...SPEC, subjects: [] },
        { ...SPEC, name: 'a.b' },
        { ...SPEC, name: 'OTHER' },
        { ...SPEC, maxBytes: 0 },
        { ...SPEC, maxAgeMs: Number.NaN },
        { ...SPEC, maxPerSubject: -1 },
        { ...SPEC, dedupWindowMs: 0 },
        { ...SPEC, dedupWindowMs: SPEC.maxAgeMs + 1 },
      ];
      for (const spec of refused) await kit.refused(bus.ensure({ streams: [other, spec], buckets: [] }), 'bus.bad_request');
      await kit.refused(bus.ensure({ streams: [other, { ...SPEC, subjects: ['a b'] }], buckets: [] }), 'bus.bad_subject');
      await kit.refused(bus.ensure({ streams: [other], buckets: [{ name: 'b', ttlMs: -1 }] }), 'bus.bad_request');
      await kit.refused(kit.readAll(bus, 'other.>'), 'bus.no_stream');
    },
  },
];
