import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { missingCorpora } from '../../../test/corpora.ts';
import { needs } from '../../../test/needs.ts';
import { syslogCases } from '../../../test/syslog-cases.ts';
import { readTime } from '../../mappings/event-time.ts';
import { decoders, fieldsOf } from '../decoders.ts';
import { defaultDecodeLimits } from '../record-decoder.ts';
import { syslogDecoder } from '../syslog-format.ts';
import { parseSyslogLine } from './syslog-line.ts';

/** What a line names, without what it does not. */
function parts(line: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(parseSyslogLine(line)).filter(([name, value]) => name !== 'text' && value !== undefined));
}

const FROM_34 = { facility: 4, severity: 2 };

describe('dialects', () => {
  test.each<[string, Record<string, unknown>]>([
    [
      "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \uFEFF'su root' failed for lonvick on /dev/pts/8",
      {
        ...FROM_34,
        version: 1,
        timestamp: '2003-10-11T22:14:15.003Z',
        host: 'mymachine.example.com',
        program: 'su',
        messageId: 'ID47',
        message: "'su root' failed for lonvick on /dev/pts/8",
      },
    ],
    [
      '<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - [a@1 iut="3" x="a\\"b\\\\c\\]d\\n"][b@2] ',
      {
        facility: 20,
        severity: 5,
        version: 1,
        timestamp: '2003-08-24T05:14:15.000003-07:00',
        host: '192.0.2.1',
        program: 'myproc',
        process: '8710',
        structuredData: { 'a@1': { iut: '3', x: 'a"b\\c]d\\n' }, 'b@2': {} },
        message: '',
      },
    ],
    ['<0>999 - - - - - -', { facility: 0, severity: 0, version: 999, message: '' }],
    [
      '<1>1 - ::1 - - - [a b="1" b="2"][__proto__ x="y"] m',
      {
        facility: 0,
        severity: 1,
        version: 1,
        host: '::1',
        structuredData: { a: { b: ['1', '2'] }, ['__proto__']: { x: 'y' } },
        message: 'm',
      },
    ],
    [
      "<34>Oct 11 22:14:15 mymachine su: 'su root' failed",
      { ...FROM_34, timestamp: 'Oct 11 22:14:15', host: 'mymachine', program: 'su', message: "'su root' failed" },
    ],
    [
      '<34>Oct  1 22:14:15 web1 sshd[77]: hi',
      { ...FROM_34, timestamp: 'Oct  1 22:14:15', host: 'web1', program: 'sshd', process: '77', message: 'hi' },
    ],
    [
      '<34>Oct 1 22:14:15.123 web1 app[x-y]: hi',
      { ...FROM_34, timestamp: 'Oct  1 22:14:15.123', host: 'web1', program: 'app', process: 'x-y', message: 'hi' },
    ],
    ['<34>Oct 11 22:14:15 su: failed', { ...FROM_34, timestamp: 'Oct 11 22:14:15', program: 'su', message: 'failed' }],
    ['<34>Oct 11 22:14:15 sshd[1]: failed', { ...FROM_34, timestamp: 'Oct 11 22:14:15', program: 'sshd', process: '1', message: 'failed' }],
    [
      '<34>Oct 11 22:14:15 2001:db8::1 app: x',
      { ...FROM_34, timestamp: 'Oct 11 22:14:15', host: '2001:db8::1', program: 'app', message: 'x' },
    ],
    [
      '<34>Oct 11 22:14:15 fe80::1%eth0 app: x',
      { ...FROM_34, timestamp: 'Oct 11 22:14:15', host: 'fe80::1%eth0', program: 'app', message: 'x' },
    ],
    [
      '<34>Oct 11 22:14:15 Message forwarded from aix1: sshd[5]: x',
      { ...FROM_34, timestamp: 'Oct 11 22:14:15', host: 'aix1', program: 'sshd', process: '5', message: 'x' },
    ],
    [
      '<34>2021-10-11T22:14:15.003+02:00 web1 app: x',
      { ...FROM_34, timestamp: '2021-10-11T22:14:15.003+02:00', host: 'web1', program: 'app', message: 'x' },
    ],
    [
      '<34>2021-10-11 22:14:15,003 web1 app: x',
      { ...FROM_34, timestamp: '2021-10-11T22:14:15.003', host: 'web1', program: 'app', message: 'x' },
    ],
    ['<34>2021/10/11 22:14:15 web1 app: x', { ...FROM_34, timestamp: '2021-10-11T22:14:15', host: 'web1', program: 'app', message: 'x' }],
    ['<34>2021 Oct  1 22:14:15 n9k app: x', { ...FROM_34, timestamp: '2021-10-01T22:14:15', host: 'n9k', program: 'app', message: 'x' }],
    ['<34>Oct 11 22:14:15 2021 web1 app: x', { ...FROM_34, timestamp: '2021-10-11T22:14:15', host: 'web1', program: 'app', message: 'x' }],
    [
      '<134>1 1563249630.774247467 MX84 ip_flow_start src=10.0.0.1',
      { facility: 16, severity: 6, timestamp: '2019-07-16T04:00:30.774Z', host: 'MX84', message: 'ip_flow_start src=10.0.0.1' },
    ],
    [
      '<166>Oct 11 2021 22:14:15 asa1 : %ASA-6-302013: Built',
      {
        facility: 20,
        severity: 6,
        timestamp: '2021-10-11T22:14:15',
        host: 'asa1',
        mnemonic: 'ASA-6-302013',
        message: '%ASA-6-302013: Built',
      },
    ],
    [
      '<166>Oct 11 2021 22:14:15: %ASA-6-302013: Built',
      { facility: 20, severity: 6, timestamp: '2021-10-11T22:14:15', mnemonic: 'ASA-6-302013', message: '%ASA-6-302013: Built' },
    ],
    [
      '<166>2021-10-11T22:14:15Z: %FTD-6-302013: Built',
      { facility: 20, severity: 6, timestamp: '2021-10-11T22:14:15Z', mnemonic: 'FTD-6-302013', message: '%FTD-6-302013: Built' },
    ],
    ['<166>%ASA-6-302013: Built', { facility: 20, severity: 6, mnemonic: 'ASA-6-302013', message: '%ASA-6-302013: Built' }],
    [
      '<189>45: router1: 000046: *Mar  1 18:48:50.483 UTC: %SYS-5-CONFIG_I: x',
      {
        facility: 23,
        severity: 5,
        sequence: '45',
        host: 'router1',
        timestamp: 'Mar  1 18:48:50.483',
        mnemonic: 'SYS-5-CONFIG_I',
        message: '%SYS-5-CONFIG_I: x',
      },
    ],
    [
      '<189>45: .Mar  1 18:48:50: %SYS-5-CONFIG_I: x',
      {
        facility: 23,
        severity: 5,
        sequence: '45',
        timestamp: 'Mar  1 18:48:50',
        mnemonic: 'SYS-5-CONFIG_I',
        message: '%SYS-5-CONFIG_I: x',
      },
    ],
    [
      '<189>date=2021-10-11 time=22:14:15 devname="FG"',
      { facility: 23, severity: 5, message: 'date=2021-10-11 time=22:14:15 devname="FG"' },
    ],
    ['<13>just text', { facility: 1, severity: 5, message: 'just text' }],
    ['bare text: with a colon', { message: 'bare text: with a colon' }],
    ['', { message: '' }],
    ['text\r\n\0', { message: 'text' }],
    // Says version 1 and has no structured data: nothing of it is lost.
    [
      '<34>1 2021-10-11T22:14:15Z web1 app: three more words here',
      { ...FROM_34, version: 1, timestamp: '2021-10-11T22:14:15Z', host: 'web1', program: 'app', message: 'three more words here' },
    ],
    [
      '<34>1 2021-10-11T22:14:15Z web1 app 1 - [x y="',
      { ...FROM_34, version: 1, timestamp: '2021-10-11T22:14:15Z', host: 'web1', message: 'app 1 - [x y="' },
    ],
  ])('%j', (line, expected) => {
    expect(parts(line)).toEqual(expected);
  });

  test.each(['<192>x', '<999999999999>x', '<-1>x', '<1x', '<>x', '<0001>x', '<', '<1'])('%s has no priority: it is all message', (line) => {
    expect(parts(line)).toEqual({ message: line });
  });
});

test('records of hosts are linux-auth, whose decoder reads the kept bytes the same; the rest is syslog', () => {
  const lines = [
    '<38>Oct 11 22:14:15 web1 sshd[7]: Failed password for root from 10.0.0.9 port 4242 ssh2',
    '<166>%ASA-6-302013: Built',
    'bare',
    '<13>x\xff',
  ];
  const formats = lines.map((line) => {
    const bytes = Buffer.from(line, 'latin1');
    const [decoded] = syslogDecoder.decode(bytes, defaultDecodeLimits);
    if (decoded === undefined || !('fields' in decoded)) throw new Error('it was refused');
    expect(fieldsOf(decoded.format, decoded.record)).toEqual(decoded.fields);
    return decoded.format;
  });
  expect(formats).toEqual(['linux-auth', 'syslog', 'syslog', 'syslog']);
});

test('by looks, a line is taken for syslog where it has a header', () => {
  const formatOf = (line: string): string | undefined => {
    const [decoded] = decoders.auto.decode(Buffer.from(line), defaultDecodeLimits);
    return decoded !== undefined && 'format' in decoded ? decoded.format : undefined;
  };
  expect(['<13>Oct 11 22:14:15 h a: x', '<166>%ASA-6-302013: Built', '<13>text', 'bare'].map(formatOf)).toEqual([
    'linux-auth',
    'syslog',
    'syslog',
    undefined,
  ]);
});

test('bytes that are not UTF-8 hide nothing of a line', () => {
  const bytes = Buffer.from(
    '<38>Oct 11 22:14:15 web1 sshd[7]: Failed password for invalid user r\xfft from 10.0.0.9 port 4242 ssh2',
    'latin1',
  );
  expect(syslogDecoder.decode(bytes, defaultDecodeLimits)).toMatchObject([
    { format: 'linux-auth', fields: { event_action: 'failed_password', user: 'r\uFFFDt' } },
  ]);
});

test('a message over the limit is refused, 50,000 parameters are text', () => {
  const limits = { ...defaultDecodeLimits, maxRecordBytes: 10 };
  expect(syslogDecoder.decode(Buffer.from('<13>1234567'), limits)).toMatchObject([{ rejected: 'decode.too_large' }]);
  const data = `[x${' a="b"'.repeat(50_000)}]`;
  expect(parts(`<13>1 - h a - - ${data} end`)).toEqual({ facility: 1, severity: 5, version: 1, host: 'h', message: `a - - ${data} end` });
});

test('a time without a year is the latest that is not in the future', () => {
  const at = (received: string): string | undefined => {
    const ms = readTime(parseSyslogLine('<13>Dec 31 23:59:59 h a: x').timestamp, 'syslog', Date.parse(received));
    return ms === undefined ? undefined : new Date(ms).toISOString();
  };
  expect(at('2026-01-01T00:00:05Z')).toBe('2025-12-31T23:59:59.000Z');
  expect(at('2025-12-31T23:59:50Z')).toBe('2025-12-31T23:59:59.000Z');
  expect(readTime(parseSyslogLine('<13>Feb 29 00:00:00 h a: x').timestamp, 'syslog', Date.parse('2026-03-01T00:00:00Z'))).toBe(
    Date.parse('2024-02-29T00:00:00Z'),
  );
});

describe('as Telegraf reads them', needs(missingCorpora), () => {
  // Telegraf refuses what breaks off; here it is kept as message.
  const datagrams = syslogCases.filter(([, { framing, expected_error }]) => framing === 'datagram' && expected_error === null);
  test('there are cases', () => expect(datagrams.length).toBeGreaterThan(0));
  test.each(datagrams)('%s', (_, { input_b64, expected_line_protocol }) => {
    const line = parseSyslogLine(Buffer.from(input_b64, 'base64').toString());
    const expected = expected_line_protocol ?? '';
    const field = (name: string): string | undefined =>
      new RegExp(`[, ]${name}="?((?:[^",\\\\ ]|\\\\.| (?=[^"]*",)| (?=[^"]*" \\d))*)`).exec(expected)?.[1];
    expect(line.facility).toBe(Number(field('facility_code')?.replace('i', '')));
    expect(line.severity).toBe(Number(field('severity_code')?.replace('i', '')));
    if (field('version') !== undefined) expect(line.version).toBe(Number(field('version')?.replace('u', '')));
    expect(line.host).toBe(field('hostname'));
    expect(line.program).toBe(field('appname'));
    if (field('message') !== undefined) expect(expected).toContain(`message="${line.message}"`);
  });
});

test('any bytes are read, in time linear in them', () => {
  const words = [
    '<34>',
    '1 ',
    '- ',
    'Oct 11 ',
    '22:14:15 ',
    '2021-10-11T22:14:15Z ',
    '[a b="',
    '"]',
    '\\',
    '%ASA-6-1:',
    ': ',
    '45: ',
    'host ',
    'x[',
    ']:',
    '\0',
    '\uFEFF',
    'é',
    '__proto__',
  ];
  const lines = fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(lines, fc.nat(100), (line, cut) => {
      const [decoded] = syslogDecoder.decode(Buffer.from(line.join('')).subarray(0, cut), defaultDecodeLimits);
      expect(decoded !== undefined && 'fields' in decoded && typeof decoded.fields['message'] === 'string').toBe(true);
    }),
    { numRuns: 20_000, seed: 7 },
  );
  for (const word of words) {
    const started = process.cpuUsage().user;
    parseSyslogLine(`<13>1 - - - - - ${word.repeat(500_000 / word.length)}`);
    parseSyslogLine(`<13>${word.repeat(500_000 / word.length)}`);
    expect(process.cpuUsage(undefined).user - started).toBeLessThan(1_000_000);
  }
});
