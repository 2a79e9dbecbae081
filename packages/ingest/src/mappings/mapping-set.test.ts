import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileFinder } from './condition-index.ts';
import { loadMappings, type MappingText } from './mapping-set.ts';
import type { Condition } from './mapping-spec.ts';
import { runMappingTests } from './mapping-tests.ts';
import { readShippedMappings } from './shipped-mappings.ts';

const shipped = readShippedMappings();
const set = loadMappings(shipped);
const base: MappingText = { path: 'base.yml', text: 'mapping: json\nformats: [json]\n' };
const load = (text: string): unknown => {
  try {
    return loadMappings([base, { path: 'a.yml', text }]);
  } catch (error) {
    return error;
  }
};

test('every shipped mapping file carries tests, and all of them hold', () => {
  const tested = new Set(set.tests.map((one) => one.path));
  expect(shipped.map(({ path }) => path).filter((path) => !path.includes('/shapes/') && !tested.has(path))).toEqual([]);
  expect(runMappingTests(set).map(({ test: { path, name }, differences }) => ({ path, name, differences }))).toEqual([]);
});

test('a mapping test that does not hold is reported with what came', () => {
  const text = 'mapping: x\nformats: [json]\nwhen: { a: 1 }\ntests:\n  - { name: t, record: { a: 1 }, expect: { mapping: y } }\n';
  expect(runMappingTests(loadMappings([base, { path: 'a.yml', text }]))).toMatchObject([
    { test: { name: 't' }, differences: ['mapping: wanted "y", came "x"'] },
  ]);
});

test.each([
  ['mapping: x\nformats: [json]\nconditons: {}\n', 3, 'unknown key conditons'],
  ['mapping: x\nformats: [json]\nwehn: { a: 1 }\n', 3, 'did you mean when?'],
  ['mapping: x\nformats: [json]\nwhen: { a: 1 }\ncases:\n  - id: y\n    catgories: [z]\n', 6, 'did you mean categories?'],
  ['mapping: x\nformats: [json]\nwhen: { a: 1 }\nattributes:\n  device.hostnam: h\n', 5, 'did you mean device.hostname?'],
  ['mapping: x\nformats: [jsn]\nwhen: { a: 1 }\n', 2, 'no format is called jsn'],
  ['mapping: x\nformats: [auto]\nwhen: { a: 1 }\n', 2, 'no format is called auto'],
  ['mapping: x\nwhen: { a: 1 }\n', 1, 'names no formats'],
  ['mapping: json\nformats: [json]\nwhen: { a: 1 }\n', 1, 'is there twice'],
  ['mapping: x\nformats: [json]\n', 1, 'no conditions'],
  ['mapping: x\nformats: [linux-auth]\nwhen: { a: 1 }\n', 2, 'has no mapping without conditions'],
  ['mapping: x\nformats: [json]\nwhen: { a: 1 }\nshape: nonesuch\n', 4, 'no shape is called nonesuch'],
  ['mapping: x\nformats: [json]\nwhen: { a: 1 }\nseverity: 9\n', 4, 'must be a mapping'],
  ['mapping: x\nformats: [json]\nwhen: { a: 1 }\ntime: { from: t, as: fortnights }\n', 4, 'as must be one of'],
  ['mapping: x\nformats: [json]\nwhen: { constructor: 1 }\n', 3, 'every object has'],
  ['mapping: x\nformats: [json]\nwhen: { a: 1 }\nclass: many\n', 4, 'whole number'],
  ['mapping: x\nformats: [json]\nwhen: { a: 1 }\nprefixes: [event_data]\n', 4, 'must end with a dot'],
  ['mapping: x\nmapping: y\n', 2, 'unique'],
  ['mapping: [\n', 1, ''],
  ['7', 1, 'must be a mapping'],
  ['', 1, 'must be a mapping'],
])('%j is refused at line %i', (text, line, reason) => {
  const error = load(text) as { code?: string; details?: { path: string; line: number; reason: string } };
  expect(error).toMatchObject({ code: 'mapping.bad_file', details: { path: 'a.yml', reason: expect.stringContaining(reason) } });
  expect(error.details?.line).toBeGreaterThanOrEqual(line);
  expect(error.details?.line).toBeLessThanOrEqual(line + 1);
});

test('log sources carry what rules need: services, categories, aliases in every shape', () => {
  const created = set.logSources().find(({ mapping }) => mapping === 'windows.security.process_creation');
  expect(created).toMatchObject({
    product: 'windows',
    services: ['security'],
    categories: ['process_creation'],
    entity: ['device.hostname', 'actor.user.name'],
  });
  expect(created?.aliases['Image']).toEqual([
    'NewProcessName',
    'process.executable',
    'event_data.NewProcessName',
    'winlog.event_data.NewProcessName',
    'winlog.user_data.NewProcessName',
    'Event.EventData.NewProcessName',
  ]);
  expect(created?.aliases['EventID']?.slice(0, 3)).toEqual(['EventID', 'event_id', 'winlog.event_id']);
  expect(
    set
      .logSources()
      .filter(({ categories }) => categories.includes('registry_set'))
      .map(({ mapping }) => mapping),
  ).toEqual(['ocsf.windows.registry_set', 'windows.security.registry_set', 'windows.sysmon.registry_set']);
});

test('every mapping can be decoded again by the format it is known by', () => {
  for (const { id, formats } of set.specs) expect(formats).toContain(set.formatOf(id));
  expect(set.formatOf('nonesuch')).toBeUndefined();
});

const values = fc.constantFrom<string | number | boolean>('A', 'a', 'b', '1', 1, 2, true, 'true');
const fieldNames = fc.constantFrom('x', 'y', 'z');
const conditions: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ field: fieldNames, anyOf: fc.array(values, { minLength: 1, maxLength: 3 }) }),
  fc.record({ field: fieldNames, exists: fc.boolean() }),
);

test('the index finds what trying every mapping in order finds', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(conditions, { maxLength: 3 }), { maxLength: 8 }),
      fc.array(fc.dictionary(fieldNames, fc.oneof(values, fc.constant(null), fc.array(values, { maxLength: 3 }))), {
        minLength: 1,
        maxLength: 8,
      }),
      (mappings, records) => {
        const entries = mappings.map((when, target) => ({ target, when, aliases: {}, prefixes: [] }));
        const finder = compileFinder(entries, () => undefined);
        for (const record of records) {
          const expected = mappings.findIndex((when) => when.every((condition) => holds(condition, record)));
          expect(finder.find(record, finder.kindOf(record))).toBe(expected === -1 ? undefined : expected);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

function holds(condition: Condition, record: Readonly<Record<string, unknown>>): boolean {
  const value = record[condition.field];
  if ('exists' in condition) return (value !== undefined && value !== null) === condition.exists;
  if (Array.isArray(value)) return value.some((one) => holds(condition, { [condition.field]: one }));
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return false;
  return condition.anyOf.some(
    (wanted) => String(wanted).toLowerCase() === String(value).toLowerCase() && (typeof value === 'string' || wanted === value),
  );
}
