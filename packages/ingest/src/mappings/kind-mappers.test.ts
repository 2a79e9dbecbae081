/** Mappings compiled for kinds of records map as those compiled for any record do. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decoders } from '../decoders/decoders.ts';
import { defaultDecodeLimits } from '../decoders/record-decoder.ts';
import { compileMapping, type Mapper } from './compile-mapping.ts';
import { KindMappers, MapperAllowance } from './kind-mappers.ts';
import { loadMappings } from './mapping-set.ts';
import type { MappingSpec } from './mapping-spec.ts';
import { membersRead } from './members-read.ts';
import { readShippedMappings } from './shipped-mappings.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const set = loadMappings(readShippedMappings());

function forMembersOf(spec: MappingSpec, fields: object): Mapper {
  const members = new Set(Object.keys(fields));
  return compileMapping(spec, (member) => members.has(member));
}

describe('a mapping compiled for the members that a record has', () => {
  it('maps every tested record as the one for all records does', () => {
    let compared = 0;
    for (const { format, record } of set.tests) {
      for (const decoded of decoders[format as keyof typeof decoders].decode(Buffer.from(record), defaultDecodeLimits)) {
        if ('rejected' in decoded) continue;
        const id = set.mappingOf(decoded.format, decoded.fields);
        const spec = set.specs.find((one) => one.id === id);
        if (spec === undefined) continue;
        compared += 1;
        const own = forMembersOf(spec, decoded.fields)(decoded.fields, NOW_MS);
        expect(own, record).toEqual(compileMapping(spec)(decoded.fields, NOW_MS));
      }
    }
    expect(compared).toBeGreaterThan(100);
  });

  it('maps whatever members a mapping reads as the one for all records does', () => {
    const scalar = fc.constantFrom<unknown>('', '-', null, 'a', '10.0.0.1', '2026-01-01T00:00:00Z', 1_760_000_000, true, ['x', 'y'], [[]]);
    const specs = set.specs.map((spec) => ({ spec, members: [...new Set(membersRead(spec))] })).filter(({ members }) => members.length > 0);
    const chosen = fc.constantFrom(...specs).chain(({ spec, members }) => {
      const parts = members.flatMap((member) => member.split('.')).filter((part) => part !== '');
      const inner = fc.dictionary(fc.constantFrom(...parts), scalar, { maxKeys: 4 });
      const value = fc.oneof(scalar, inner, fc.dictionary(fc.constantFrom(...parts), inner, { maxKeys: 2 }));
      return fc.record({ spec: fc.constant(spec), fields: fc.dictionary(fc.constantFrom(...members), value, { maxKeys: 8 }) });
    });
    fc.assert(
      fc.property(chosen, ({ spec, fields }) => {
        expect(forMembersOf(spec, fields)(fields, NOW_MS)).toEqual(compileMapping(spec)(fields, NOW_MS));
      }),
      { numRuns: 3000 },
    );
  });
});

describe('mappers of a kind', () => {
  const mapping = (id: string, compiled: string[]) => ({
    id,
    map: compileMapping(set.specs[0] as MappingSpec),
    mapOf: () => {
      compiled.push(id);
      return compileMapping(set.specs[0] as MappingSpec);
    },
  });

  it('are compiled once, and only where records of the kind come often', () => {
    const compiled: string[] = [];
    const one = mapping('one', compiled);
    const mappers = new KindMappers(new Set(), new MapperAllowance(() => undefined));
    for (let i = 0; i < 63; i++) expect(mappers.mapperOf(one)).toBe(one.map);
    expect(compiled).toEqual([]);
    const own = mappers.mapperOf(one);
    expect(own).not.toBe(one.map);
    for (let i = 0; i < 200; i++) expect(mappers.mapperOf(one)).toBe(own);
    expect(compiled).toEqual(['one']);
  });

  it('are let go of when too many were compiled', () => {
    let forgotten = 0;
    const allowance = new MapperAllowance(() => (forgotten += 1));
    const compiled: string[] = [];
    const one = mapping('one', compiled);
    for (let kind = 0; kind < 1100; kind++) {
      const mappers = new KindMappers(new Set(), allowance);
      for (let i = 0; i < 70; i++) mappers.mapperOf(one);
    }
    expect([compiled.length, forgotten]).toEqual([1100, 2]);
  });
});
