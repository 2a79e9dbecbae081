import { expect, test } from 'vitest';
import { decoders } from '../decoders/decoders.ts';
import { defaultDecodeLimits } from '../decoders/record-decoder.ts';
import { loadMappings } from '../mappings/mapping-set.ts';
import { readShippedMappings } from '../mappings/shipped-mappings.ts';
import { normaliseRecord } from '../normalise-record.ts';
import { createOcsfBuilder } from './build-ocsf.ts';
import { lintMappings } from './lint-mappings.ts';
import { ocsfSchema } from './ocsf-schema.ts';
import { validateOcsf } from './validate-ocsf.ts';

const set = loadMappings(readShippedMappings());
const build = createOcsfBuilder(set);
const source = { tenant: 't', name: 'web1', format: 'auto' as const, lane: 'live' as const, shard: '' };

function ocsfOf(record: unknown): Record<string, unknown> {
  const bytes = new TextEncoder().encode(typeof record === 'string' ? record : JSON.stringify(record));
  const [decoded] = decoders.auto.decode(bytes, defaultDecodeLimits);
  if (decoded === undefined || 'rejected' in decoded) throw new Error(decoded?.reason);
  const event = normaliseRecord(set, decoded, { source, receivedMs: Date.UTC(2026, 0, 1), fallbackId: 'id' });
  return build({ ...event, format: decoded.format, fields: decoded.fields });
}

test('the schema inherits: classes have categories, requirements and activities', () => {
  const { classes, object } = ocsfSchema();
  const authentication = classes.get(3002);
  expect(authentication).toMatchObject({ name: 'authentication', categoryUid: 3, caption: 'Authentication' });
  expect(authentication?.attributes.get('user')).toMatchObject({ type: 'user', isRequired: true });
  expect(authentication?.attributes.get('time')?.isRequired).toBe(true);
  expect(authentication?.activities.get(1)).toBe('Logon');
  expect(object('user')?.attributes.get('name')?.type).toBe('username_t');
  expect(classes.get(201_002)?.name).toBe('registry_value_activity');
});

test('every class, activity and path in the mapping files is in the schema', () => {
  expect(lintMappings(set.specs)).toEqual([]);
});

test('a mapping that names what OCSF has not is told', () => {
  const [spec] = set.specs;
  if (spec === undefined) throw new Error('there are mappings');
  expect(lintMappings([{ ...spec, classUid: 3002, activityId: 77, ocsf: { 'user.nmae': [] } }]).map(({ reason }) => reason)).toEqual([
    'authentication has no activity 77',
    'OCSF has no attribute user.nmae',
  ]);
  expect(lintMappings([{ ...spec, classUid: 77 }])).toHaveLength(1);
});

test('every record that the mapping files are tested with becomes an event that keeps to OCSF', () => {
  const wrong = set.tests.flatMap(({ name, format, record }) => {
    const [decoded] = decoders[format as 'auto'].decode(new TextEncoder().encode(record), defaultDecodeLimits);
    if (decoded === undefined || 'rejected' in decoded) return [`${name}: rejected`];
    const event = normaliseRecord(set, decoded, { source, receivedMs: Date.UTC(2026, 0, 1), fallbackId: 'id' });
    return validateOcsf(build({ ...event, format: decoded.format, fields: decoded.fields })).map(
      ({ path, reason }) => `${name}: ${path}: ${reason}`,
    );
  });
  expect(wrong).toEqual([]);
});

test('a failed log on: what is known where OCSF wants it, entities listed, the rest unmapped, the bytes kept', () => {
  const record = {
    Channel: 'Security',
    EventID: 4625,
    Hostname: 'DC1',
    TargetUserName: 'bob',
    IpAddress: '198.51.100.7',
    Extra: { a: 1 },
    EventTime: '2024-01-02 03:04:05',
  };
  const event = ocsfOf(record);
  expect(event).toMatchObject({
    class_uid: 3002,
    type_uid: 300_201,
    category_uid: 3,
    status: 'Failure',
    status_id: 2,
    user: { name: 'bob' },
    device: { hostname: 'DC1', type_id: 0 },
    src_endpoint: { ip: '198.51.100.7' },
    metadata: { log_name: 'windows.security.logon_failed' },
    unmapped: { Extra: { a: 1 } },
    raw_data: JSON.stringify(record),
  });
  expect(event['observables']).toContainEqual({ name: 'src_endpoint.ip', type_id: 2, value: '198.51.100.7' });
  expect(event['observables']).toContainEqual({ name: 'user.name', type_id: 4, value: 'bob' });
});

test('what a command line hides is an enrichment', () => {
  const hidden = Buffer.from('IEX (New-Object Net.WebClient)', 'utf16le').toString('base64');
  const event = ocsfOf({
    Channel: 'Microsoft-Windows-Sysmon/Operational',
    EventID: 1,
    Image: 'C:\\p.exe',
    CommandLine: `p -enc ${hidden}`,
  });
  expect(event['enrichments']).toEqual([
    {
      name: 'CommandLine',
      value: `p -enc ${hidden}`,
      type: 'decoded',
      data: { text: 'p -enc IEX (New-Object Net.WebClient)', layers: ['base64'], is_cut: false },
    },
  ]);
  expect(validateOcsf(event)).toEqual([]);
});

test('hostile members are kept as data', () => {
  const event = ocsfOf('{"__proto__":{"polluted":1},"constructor":2,"eventSource":"a","eventName":"b"}');
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  expect(JSON.stringify(event['unmapped'])).toContain('"__proto__":{"polluted":1}');
  expect(validateOcsf(event)).toEqual([]);
});

test.each([
  [{ class_uid: 1 }, 'class_uid'],
  [{ ...ocsfOf({ x: 1 }), time: 'now' }, 'time'],
  [{ ...ocsfOf({ x: 1 }), metadata: {} }, 'metadata.product'],
  [{ ...ocsfOf({ x: 1 }), nonsense: 1 }, 'nonsense'],
  [{ ...ocsfOf({ x: 1 }), activity_id: 55, type_uid: 55 }, 'activity_id'],
  [{ ...ocsfOf({ x: 1 }), observables: {} }, 'observables'],
])('an event that breaks the schema is told where', (event, path) => {
  expect(validateOcsf(event as Record<string, unknown>).map((one) => one.path)).toContain(path);
});
