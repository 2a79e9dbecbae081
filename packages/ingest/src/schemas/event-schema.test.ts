import { describe, expect, it } from 'vitest';
import { decoders, type FormatName } from '../decoders/decoders.ts';
import { defaultDecodeLimits } from '../decoders/record-decoder.ts';
import { loadMappings } from '../mappings/mapping-set.ts';
import { readShippedMappings } from '../mappings/shipped-mappings.ts';
import type { EventSchema, EventType } from './event-schema.ts';
import { createSchemaCheck, eventTypesOf } from './schema-check.ts';
import { breaksOf, checkVersions } from './schema-compatibility.ts';

const set = loadMappings(readShippedMappings());
const check = createSchemaCheck(set.specs);

describe('schemas of event types', () => {
  it('fit the records that mappings carry as their tests, but for those that name nobody', () => {
    const reasons = set.tests.flatMap(({ format, record }) =>
      decoders[format as FormatName].decode(Buffer.from(record), defaultDecodeLimits).flatMap((one) => {
        if ('rejected' in one) return [];
        return check(set.mappingOf(one.format, one.fields), one.fields) ?? [];
      }),
    );
    expect(reasons.filter((reason) => !reason.startsWith('none of the fields'))).toEqual([]);
    expect(reasons.length).toBeLessThan(20);
  });

  it.each<[string, object, string | undefined]>([
    ['what fits', { Channel: 'Security', EventID: 4625, Hostname: 'DC1', TargetUserName: 'ann' }, undefined],
    ['fields under a prefix', { winlog: { channel: 'Security', event_id: 4625, event_data: { TargetUserName: 'ann' } } }, undefined],
    ['fields that nobody reads', { Channel: 'Security', EventID: 4625, Hostname: 'DC1', More: { a: [1] } }, undefined],
    ['what names nobody', { Channel: 'Security', EventID: 4625 }, 'none of the fields Hostname, TargetUserName is there'],
    [
      'an object in a name’s place',
      { Channel: 'Security', EventID: 4625, Hostname: 'a', TargetUserName: { a: 1 } },
      'the field TargetUserName is not of a type that it may have',
    ],
    [
      'a prototype in place of fields',
      JSON.parse('{"__proto__":{"Hostname":"x"},"Channel":"Security","EventID":4625}') as object,
      'none of the fields Hostname, TargetUserName is there',
    ],
  ])('says of %s why', (_, fields, want) => {
    expect(check('windows.security.logon_failed', fields as Record<string, unknown>)).toBe(want);
  });

  it('know nothing of types that no mapping makes', () => {
    expect(check('com.example.made.up', {})).toBeUndefined();
  });

  it('are stable: the same mapping gives the same text', () => {
    expect(JSON.stringify(eventTypesOf(set.specs))).toBe(JSON.stringify(eventTypesOf(loadMappings(readShippedMappings()).specs)));
  });
});

describe('a new version', () => {
  const schema = (more: Partial<EventSchema>): EventSchema => ({
    ...(eventTypesOf(set.specs)[0] as EventType).schema,
    required: [],
    allOf: [],
    properties: {},
    ...more,
  });
  const group = (...fields: string[]): NonNullable<EventSchema['allOf']> => [{ anyOf: fields.map((field) => ({ required: [field] })) }];

  it.each<[string, Partial<EventSchema>, Partial<EventSchema>, number]>([
    ['may ask for less', { required: ['a'], allOf: group('x') }, { allOf: group('x', 'y') }, 0],
    ['may read more', {}, { properties: { a: {} } }, 0],
    ['may allow more', { properties: { a: { $ref: '#/$defs/whole' } } }, { properties: { a: { $ref: '#/$defs/scalar' } } }, 0],
    ['may not ask for more', {}, { required: ['a'] }, 1],
    ['may not ask for one of fewer', { allOf: group('x', 'y') }, { allOf: group('x') }, 1],
    ['may not allow less', { properties: { a: { $ref: '#/$defs/scalar' } } }, { properties: { a: { $ref: '#/$defs/whole' } } }, 1],
    ['may not bind what was free', {}, { properties: { a: { $ref: '#/$defs/time' } } }, 1],
  ])('%s', (_, before, now, breaks) => {
    expect(breaksOf(schema(before), schema(now))).toHaveLength(breaks);
  });

  it('must be said, and must be newer', () => {
    const at = (version: number, more: Partial<EventSchema>): EventType[] => [{ type: 't', version, classUid: 0, schema: schema(more) }];
    expect(checkVersions(at(1, {}), at(1, {}))).toEqual([]);
    expect(checkVersions(at(1, {}), at(1, { properties: { a: {} } }))[0]).toContain('give its mapping version 2');
    expect(checkVersions(at(1, {}), at(2, { properties: { a: {} } }))).toEqual([]);
    expect(checkVersions(at(2, {}), at(1, {}))[0]).toContain('older');
    expect(checkVersions(at(1, {}), at(2, { required: ['a'] }))[0]).toContain('breaks version 1');
    expect(checkVersions([], at(1, {}))).toEqual([]);
  });
});
