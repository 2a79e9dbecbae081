/** The line formats: what each reads of lines as they are written in the field, and what it leaves alone. */
import { expect, test } from 'vitest';
import { loadMappings } from '../../mappings/mapping-set.ts';
import { readShippedMappings } from '../../mappings/shipped-mappings.ts';
import { decoders, type FormatName } from '../decoders.ts';
import { defaultDecodeLimits } from '../record-decoder.ts';
import { openLine } from './carried-line.ts';
import { holdAgainstAll, readByTelling } from './line-formats.ts';

function read(format: FormatName, line: string): Record<string, unknown> | string {
  const [decoded] = decoders[format].decode(new TextEncoder().encode(line), defaultDecodeLimits);
  if (decoded === undefined || 'rejected' in decoded) return decoded?.rejected ?? 'nothing';
  return { format: decoded.format, ...decoded.fields };
}

test.each([
  [
    'cef',
    'CEF:0|V|P\\|x|1|100|a \\\\ b|7|src=10.0.0.1 msg=a\\=b c\\nd request=http://x/?q=1 cs1Label=Policy cs1=P 1',
    {
      deviceVendor: 'V',
      deviceProduct: 'P|x',
      name: 'a \\ b',
      severity: '7',
      src: '10.0.0.1',
      msg: 'a=b c\nd',
      request: 'http://x/?q=1',
      cs1: 'P 1',
      Policy: 'P 1',
    },
  ],
  ['cef', 'Oct 12 04:16:11 fw1 CEF:0|V|P|1|100|n|7|', { host: 'fw1', deviceVendor: 'V', name: 'n' }],
  ['leef', 'LEEF:2.0|V|P|1|E|0x7C|a=1|b=2', { vendor: 'V', eventId: 'E', a: '1', b: '2' }],
  ['leef', 'LEEF:1.0|V|P|1|E|a=1\tb=x y', { a: '1', b: 'x y' }],
  ['key-value', 'a=1 b="x \\"y\\"" c=\'z\' d= flag, e=2;f=3', { a: '1', b: 'x "y"', c: 'z', d: '', flag: true, e: '2', f: '3' }],
  [
    'access-log',
    '10.0.0.2, 85.181.35.98 - - [07/Dec/2016:11:05:07 +0100] "GET /o?a=%2e%2e%2fx HTTP/1.1" 200 571 "-" "M"',
    {
      'c-ip': '10.0.0.2',
      'x-forwarded-for': ['10.0.0.2', '85.181.35.98'],
      'cs-method': 'GET',
      'cs-uri-stem': '/o',
      'cs-uri-query': 'a=%2e%2e%2fx',
      'decoded.cs-uri-query': 'a=../x',
      'sc-status': 200,
      'cs-user-agent': 'M',
    },
  ],
  [
    'access-log',
    'www.x.example:443 ::1 - ann [26/Dec/2016:16:16:48 +0200] "-" 408 -',
    { 'cs-host': 'www.x.example:443', 'c-ip': '::1', 'cs-username': 'ann', 'sc-status': 408 },
  ],
  ['access-log', '1.2.3.4 - - [26/Dec/2016:16:16:48 +0200] "\\x16\\x03\\x01" 400 0', { 'cs-uri': '\\x16\\x03\\x01', 'sc-status': 400 }],
  [
    'access-log',
    '[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 35708:tid 4328636416] [client 72.15.99.187:80] File does not exist: /x',
    {
      timestamp: 'Fri Sep 09 10:42:29.902022 2011',
      module: 'core',
      level: 'error',
      pid: 35_708,
      'c-ip': '72.15.99.187',
      message: 'File does not exist: /x',
    },
  ],
  ['auditd', 'type=PROCTITLE msg=audit(1.5:7): proctitle=6C73002D6C61', { type: 'PROCTITLE', time: 1.5, serial: '7', proctitle: 'ls -la' }],
  ['auditd', 'type=EXECVE msg=audit(1.5:7): argc=2 a0="CAFE" a1=CAFE61', { a0: 'CAFE', a1: Buffer.from('CAFE61', 'hex').toString() }],
  [
    'auditd',
    'type=USER_CMD msg=audit(1.5:7): pid=1 msg=\'cwd="/" cmd=6C73202D6C terminal=pts/0 res=success\'',
    { cmd: 'ls -l', res: 'success', terminal: 'pts/0' },
  ],
  ['pfsense', 'filterlog: x', 'decode.bad_line'],
  [
    'pfsense',
    '5,,,1,em0,match,pass,out,6,0x00,0,64,UDP,17,84,2001:db8::1,2001:db8::2,5353,53,84',
    { action: 'pass', ip_version: '6', protocol: 'UDP', src_ip: '2001:db8::1', dst_port: '53' },
  ],
  ['vpc-flow', '2 123456789010 eni-1 1.1.1.1 2.2.2.2 1 2 6 3 4 5 6 ACCEPT', 'decode.bad_line'],
  ['container', '2016-10-06T00:17:09.669794202Z stdout P {"a":1}', { log: '{"a":1}', logtag: 'P', stream: 'stdout', a: 1 }],
  [
    'windows-xml',
    '<Event xmlns="x"><System><EventID>1</EventID><Channel>S</Channel></System><EventData><Data Name="A">b &amp; c</Data></EventData></Event>',
    {
      format: 'windows-json',
      Event: { System: { EventID: '1', Channel: 'S' }, EventData: { A: 'b & c' } },
    },
  ],
  [
    'linux-auth',
    '{"MESSAGE":"Accepted publickey for ann from 198.51.100.7 port 5 ssh2","SYSLOG_IDENTIFIER":"sshd","_HOSTNAME":"h","__REALTIME_TIMESTAMP":"1704164645123456"}',
    {
      program: 'sshd',
      host: 'h',
      user: 'ann',
      src_ip: '198.51.100.7',
      timestamp: '2024-01-02T03:04:05.123Z',
    },
  ],
] as const)('%s reads %j', (format, line, want) => {
  const got = read(format, line);
  if (typeof want === 'string') expect(got).toBe(want);
  else expect(got).toMatchObject(want);
});

test.each([
  ['CEF:0|V|P|1|100|n|7|a=1', 'cef'],
  ['<134>Jan  2 03:04:05 fw1 filterlog[7]: 5,,,1,igb0,match,block,in,4,0x0,,64,5,0,DF,6,tcp,60,198.51.100.7,10.0.0.2,5,22,0,S', 'pfsense'],
  [
    '{"log":"1.2.3.4 - - [26/Dec/2016:16:16:48 +0200] \\"GET / HTTP/1.1\\" 200 5\\n","stream":"stdout","time":"2016-12-26T14:16:48Z"}',
    'access-log',
  ],
  ['{"message":"type=EXECVE msg=audit(1.5:7): a0=\\"x\\""}', 'auditd'],
  ['{"log":"hello","stream":"stderr","time":"2016-12-26T14:16:48Z"}', 'container'],
  ['{"message":"user=ann action=login ok=1"}', 'json'],
  ['a=1 b=2 c=3', 'key-value'],
  ['Jan  2 03:04:05 h prog: a=1 b=2 c=3', 'linux-auth'],
] as const)('by looks, %j is %s', (line, format) => {
  expect(read('auto', line)).toMatchObject({ format });
});

test('what a few bytes rule out no format would have read, behind whichever header', () => {
  const headers = [
    '',
    '<134>Jan  2 03:04:05 fw1 prog[7]: ',
    '<13>1 2024-01-02T03:04:05Z h app - - - ',
    '2024-01-02T03:04:05.000000Z stdout F ',
  ];
  let told = 0;
  for (const { record } of loadMappings(readShippedMappings()).tests) {
    for (const header of headers) {
      const text = header + record;
      const each = holdAgainstAll(openLine(text));
      expect(readByTelling(openLine(text)), text).toEqual(each);
      if (each !== undefined) told += 1;
    }
  }
  expect(told).toBeGreaterThan(30);
});

test.each([
  ['2016-10-06T00:17:09.669794202Z stdout F started', 'syslog', { timestamp: '2016-10-06T00:17:09.669794202Z', message: 'started' }],
  ['2016-10-06T00:17:09.669794202Z stdout F Jan  2 03:04:05 h su: x', 'linux-auth', { host: 'h', program: 'su', message: 'x' }],
  ['{"kind" CEF:0|V|P|1|100|n|7|', 'syslog', { message: '{"kind" CEF:0|V|P|1|100|n|7|' }],
] as const)('a syslog sender may send %j, which reads the same again by its format', (line, format, fields) => {
  const got = read('syslog', line);
  expect(got).toMatchObject({ format, ...fields });
  expect(read(format, line)).toEqual(got);
});

test('names of hostile pairs are data', () => {
  const fields = read('key-value', '__proto__=1 constructor=2 a=3');
  expect(Object.keys(fields as object)).toEqual(['format', '__proto__', 'constructor', 'a']);
  expect(({} as Record<string, unknown>)['a']).toBeUndefined();
});
