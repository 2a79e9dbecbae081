import fc from 'fast-check';
import { expect, test } from 'vitest';
import { loadMappings } from '../mappings/mapping-set.ts';
import { readShippedMappings } from '../mappings/shipped-mappings.ts';
import { decoders, type FormatName, fieldsOf } from './decoders.ts';
import { defaultDecodeLimits } from './record-decoder.ts';

const FORMATS = Object.keys(decoders) as FormatName[];
const RECEIVED = Date.UTC(2026, 0, 1);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const set = loadMappings(readShippedMappings());

/** Values that mappings look at, so that arbitrary records reach deep into the code. */
const names = fc.constantFrom(
  'Channel',
  'EventID',
  'event_id',
  'log_name',
  'winlog',
  'event_data',
  'channel',
  'eventSource',
  'eventName',
  'message',
  '@timestamp',
  'ts',
  '_path',
  'uid',
  'id.orig_h',
  'Hostname',
  'IpAddress',
  'level',
  'host',
  'user',
  '__proto__',
  'constructor',
  'toString',
  'Event',
  'System',
  'RecordNumber',
  'Level',
  'EventType',
);
const scalars = fc.oneof(
  fc.jsonValue(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    'Security',
    'Microsoft-Windows-Sysmon/Operational',
    1,
    '12',
    4688,
    'CreateKey',
    '-',
    '10.0.0.1',
    '2020-09-22T02:14:13.517Z',
    'conn',
    -1,
    Number.POSITIVE_INFINITY,
  ),
);
const objects = fc.letrec<{ object: unknown }>((tie) => ({
  object: fc.dictionary(fc.oneof(names, fc.string()), fc.oneof({ weight: 4, arbitrary: scalars }, tie('object')), { maxKeys: 8 }),
})).object;
const lines = fc
  .tuple(
    fc.constantFrom('Mar 27 13:06:56 web1 ', '<38>Feb 29 00:00:00 h ', '1 2018-03-24T08:59:37-07:00 h p 1 - ', ''),
    fc.array(
      fc.oneof(
        fc.constantFrom(
          'sshd[7]: ',
          'sudo: ',
          'Failed ',
          ' for ',
          ' from ',
          ' port ',
          ' ; COMMAND=',
          'TTY=',
          ' : ',
          'message repeated 2 times: [ ',
          ']',
          'pam_',
          ' user=',
        ),
        fc.string(),
      ),
    ),
  )
  .map(([header, words]) => header + words.join(''));
const records = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  objects.map((value) => bytes(JSON.stringify(value))),
  lines.map(bytes),
  lines.map((message) => bytes(JSON.stringify({ message }))),
);

test.each(FORMATS)('%s: no bytes make it throw, and what it takes reads the same again, by its format and by its mapping', (format) => {
  fc.assert(
    fc.property(records, (record) => {
      const decoded = decoders[format].decode(record, defaultDecodeLimits);
      expect(decoded.length).toBeGreaterThan(0);
      for (const one of decoded) {
        expect(one.record.buffer).toBe(record.buffer);
        if ('rejected' in one) continue;
        expect(one.format).not.toBe('auto');
        expect(fieldsOf(one.format, one.record)).toEqual(one.fields);
        const mapped = set.map(one.format, one.fields, RECEIVED);
        expect(fieldsOf(set.formatOf(mapped.mapping) ?? '', one.record)).toEqual(one.fields);
        for (const value of Object.values(mapped.attributes)) {
          expect(value.length).toBeGreaterThan(0);
          expect(value.length).toBeLessThanOrEqual(1024);
          expect(value.isWellFormed()).toBe(true);
        }
      }
    }),
    { numRuns: 400 },
  );
});

test.each([
  ['{"Channel":"Security","EventID":4688}', 'windows-json'],
  ['{"log_name":"Security","event_id":4688,"event_data":{}}', 'windows-json'],
  ['{"winlog":{"channel":"Security","event_id":"4688"}}', 'windows-json'],
  ['{"eventSource":"s3.amazonaws.com","eventName":"GetObject"}', 'cloudtrail'],
  ['{"Records":[{"eventSource":"s3.amazonaws.com","eventName":"GetObject"}]}', 'cloudtrail'],
  ['{"message":"Mar 27 13:06:56 web1 sshd[7]: x"}', 'linux-auth'],
  ['Mar 27 13:06:56 web1 sshd[7]: x', 'linux-auth'],
  ['{"_path":"syslog","message":"Mar 27 13:06:56 web1 sshd[7]: x"}', 'json'],
  ['{"message":"hello"}', 'json'],
  ['{}', 'json'],
])('auto takes %s for %s', (text, format) => {
  expect(decoders.auto.decode(bytes(text), defaultDecodeLimits)).toMatchObject([{ format }]);
});

test.each(['', '[]', 'hello', '\u0000'])('auto refuses %j', (text) => {
  expect(decoders.auto.decode(bytes(text), defaultDecodeLimits)).toMatchObject([{ rejected: 'decode.unknown_format' }]);
});

test('fields of an unknown format, or of bytes that are not one record of it, are undefined', () => {
  expect(fieldsOf('nonesuch', bytes('{}'))).toBeUndefined();
  expect(fieldsOf('toString', bytes('{}'))).toBeUndefined();
  expect(fieldsOf('json', bytes('{'))).toBeUndefined();
  expect(fieldsOf('cloudtrail', bytes('{"Records":[{},{}]}'))).toBeUndefined();
});

// Quadratic work on that much, ninety times over, would take an hour: the runner's own time limit is the assertion.
test.each(FORMATS)('%s: a quarter of a megabyte of the worst takes linear time', (format) => {
  const words = [
    '[',
    '{"a":',
    '"',
    '\\',
    '{"a":"\\',
    '{"Records":[',
    '{"Records":[1,',
    ' from ',
    ' port ',
    ' ; ',
    ' : ',
    '<',
    '1 ',
    'message repeated ',
    "add '",
    ' user=',
    '(uid=',
    '{"message":"',
  ];
  for (const head of [
    '',
    'Mar 27 13:06:56 h sshd[7]: Failed password for ',
    'Mar 27 13:06:56 h sudo: a : TTY=',
    'Mar 27 13:06:56 h x: pam_unix',
    '1 2018-03-24T08:59:37Z h p 1 - [',
  ]) {
    for (const word of words) {
      const record = bytes((head + word.repeat(1 << 18)).slice(0, 1 << 18));
      const [one] = decoders[format].decode(record, defaultDecodeLimits);
      expect(one !== undefined && ('rejected' in one || set.map(one.format, one.fields, RECEIVED).mapping !== '')).toBe(true);
    }
  }
});

test('a line with bytes that are no text is read, U+FFFD in their place, and read the same again from what was read', () => {
  for (const format of ['linux-auth', 'syslog', 'auto'] as const) {
    const line = Buffer.from('<38>Jan  1 10:00:00 web1 sshd[7]: Failed password for \xff\xfe from 10.0.0.1 port 22 ssh2', 'latin1');
    const [decoded] = decoders[format].decode(line, defaultDecodeLimits);
    expect(decoded).toMatchObject({ format: 'linux-auth', fields: { program: 'sshd', user: '\uFFFD\uFFFD' } });
    const [again] = decoders[format].decode(bytes(line.toString('utf8')), defaultDecodeLimits);
    expect(again).toMatchObject({ fields: (decoded as { fields: object }).fields });
  }
  const [json] = decoders['linux-auth'].decode(Buffer.from('{"message":"\xff"}', 'latin1'), defaultDecodeLimits);
  expect(json).toMatchObject({ rejected: 'decode.bad_utf8' });
});
