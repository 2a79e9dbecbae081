/** Streams: the same records however the bytes are cut, heads and multi-line events, limits that cost one record and not its neighbours. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FormatName } from '../decoders/decoders.ts';
import { type DecodedRecord, defaultDecodeLimits } from '../decoders/record-decoder.ts';
import { openRecordStream } from './record-stream.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (one: DecodedRecord): string => new TextDecoder().decode(one.record);

function readAll(format: FormatName, pieces: readonly Uint8Array[], limits = defaultDecodeLimits): DecodedRecord[] {
  const stream = openRecordStream(format, limits);
  return [...pieces.flatMap((piece) => stream.push(piece)), ...stream.end()];
}

const said = (records: readonly DecodedRecord[]): unknown[] =>
  records.map((one) => ('fields' in one ? { format: one.format, fields: { ...one.fields } } : one.rejected));

const SAMPLES: readonly (readonly [name: string, format: FormatName, text: string, records: number])[] = [
  ['lines', 'auto', '{"a":1}\n\n{"a":2}\r\nFeb  9 21:20:01 h sshd[1]: x\n', 3],
  ['a list', 'auto', '[ {"a":"]}"} , {"b":[1,{"c":2}]}, {"d":"\\"{"} ]', 3],
  ['values over lines', 'auto', '{\n "a": 1\n}\n{\n "b": {"c": "}"}\n}\n', 2],
  ['an envelope', 'auto', '{"Records":[{"eventSource":"a","eventName":"b"},{"eventSource":"a","eventName":"c"}]}', 2],
  [
    'Zeek',
    'auto',
    '#separator \\x09\n#set_separator\t,\n#path\tconn\n#fields\tts\tid.orig_h\n#types\ttime\taddr\n1.5\t10.0.0.1\n#fields\tts\n#types\ttime\n2.5\n',
    2,
  ],
  ['CSV', 'auto', 'time,user,note\n2024-01-02T03:04:05Z,ann,"a\n""b"""\n2024-01-02T03:04:06Z,bob,\n', 2],
  [
    'W3C',
    'auto',
    '#Software: IIS\n#Fields: date time c-ip cs-method\n2024-01-02 03:04:05 10.0.0.1 GET\n2024-01-02 03:04:06 10.0.0.2 POST\n',
    2,
  ],
  [
    'VPC flow logs with a head',
    'auto',
    'version account-id interface-id srcaddr dstaddr action\n2 123456789010 eni-1 10.0.0.1 10.0.0.2 ACCEPT\n',
    1,
  ],
  [
    'events in XML',
    'auto',
    '<?xml version="1.0"?><Events>\n<Event xmlns="x">\n<System><EventID>1</EventID></System></Event><Event><System><EventID>2</EventID></System></Event></Events>',
    2,
  ],
  [
    'audit events that interleave',
    'auto',
    'type=SYSCALL msg=audit(1.5:1): a0=1\ntype=SYSCALL msg=audit(1.5:2): a0=2\ntype=EXECVE msg=audit(1.5:1): a0="x"\ntype=USER_CMD msg=audit(1.5:3): pid=1\ntype=EOE msg=audit(1.5:1): \n',
    3,
  ],
];

test.each(SAMPLES)('%s: every way of cutting the bytes gives the same records', (_, format, text, count) => {
  const bytes = bytesOf(text);
  const whole = said(readAll(format, [bytes]));
  expect(whole).toHaveLength(count);
  expect(whole.filter((one) => typeof one === 'string')).toEqual([]);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 6 }), (cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const pieces = places.slice(1).map((end, i) => bytes.subarray(places[i], end));
      expect(said(readAll(format, pieces))).toEqual(whole);
    }),
    { numRuns: 60 },
  );
});

test('lines of one audit event are one record, whose bytes read the same again', () => {
  const [first, second, third] = readAll('auditd', [bytesOf(SAMPLES[9]?.[2] ?? '')]);
  expect(first).toMatchObject({ fields: { type: 'USER_CMD', serial: '3' } });
  expect(second).toMatchObject({ fields: { type: ['SYSCALL', 'EXECVE'], serial: '1', a0: ['1', 'x'] } });
  expect(second && textOf(second)).toBe('type=SYSCALL msg=audit(1.5:1): a0=1\ntype=EXECVE msg=audit(1.5:1): a0="x"');
  expect(third).toMatchObject({ fields: { type: 'SYSCALL', serial: '2' } });
});

test.each(['auto', 'csv', 'key-value', 'zeek'] as const)('%s: a line beyond the limit is refused, the next is read', (format) => {
  const head = format === 'csv' ? 'a,b\n' : format === 'zeek' ? '#separator \\x09\n#fields\ta\tb\n#types\tstring\tstring\n' : '';
  const row = format === 'csv' ? '1,2' : format === 'zeek' ? '1\t2' : 'a=1 b=2 c=3';
  const long = `a=${'x'.repeat(50_000)}`;
  const got = said(readAll(format, [bytesOf(`${head}${long}\n${row}\n`)], { ...defaultDecodeLimits, maxRecordBytes: 2000 }));
  expect(got[0]).toBe('decode.too_large');
  expect(got).toHaveLength(2);
  expect(got[1]).not.toBeTypeOf('string');
});

test('a quote that is never closed takes no more than one record with it', () => {
  const got = said(
    readAll('csv', [bytesOf(`a,b\n1,"${'x\n'.repeat(2000)}`), bytesOf('3,4\n')], { ...defaultDecodeLimits, maxRecordBytes: 1000 }),
  );
  expect(got).toContain('decode.too_large');
  expect(got.at(-1)).toMatchObject({ fields: { a: '3', b: '4' } });
});

test('what is no event log is refused once', () => {
  expect(said(readAll('evtx', [new Uint8Array(200_000)]))).toEqual(['decode.bad_line']);
});

test('this file is no record of anything', () => {
  const got = readAll('auto', [readFileSync(new URL(import.meta.url))]);
  expect(got.length).toBeGreaterThan(50);
  expect(got.filter((one) => 'fields' in one).length).toBeLessThan(got.length / 4);
});
