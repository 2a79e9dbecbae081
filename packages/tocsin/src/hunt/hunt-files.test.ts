/** Every form of input, and what must not be lost on the way: the same events whatever they are wrapped in, and a count of all that is none. */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { huntThrough, linesOf } from '../../test/hunt-ground.ts';

const RULES = `
title: Listing
id: listing
level: low
logsource: { product: aws, service: cloudtrail }
detection: { sel: { eventName|startswith: List }, condition: sel }
---
title: Whoami
id: whoami
level: high
logsource: { product: windows, category: process_creation }
detection: { sel: { Image|endswith: '\\whoami.exe' }, condition: sel }
---
title: Failed
id: failed
logsource: { product: linux, service: sshd }
detection: { sel: { user: root }, condition: sel }
---
title: Query
id: query
logsource: { product: zeek, service: dns }
detection: { sel: { query|endswith: evil.example, answers: 10.0.0.9, rejected: false }, condition: sel }
---
title: Many listings
id: many
correlation: { type: event_count, rules: [listing], group-by: [user], timespan: 1m, condition: { gte: 3 } }
`;

const record = (i: number): object => ({
  eventSource: 'iam.amazonaws.com',
  eventName: i % 2 === 0 ? 'ListUsers' : 'CreateUser',
  eventTime: `2026-01-01T00:00:${String(i).padStart(2, '0')}Z`,
  user: 'ann "the\\ ]}[{,',
  nested: { deep: [{ a: '}' }, 'é😀'] },
});
const records = Array.from({ length: 12 }, (_, i) => record(i));
const ndjson = records.map((one) => JSON.stringify(one)).join('\n');

describe('a hunt', () => {
  it.each<[string, string | Uint8Array]>([
    ['lines', ndjson],
    ['lines with blank ones and CRLF', `\r\n${ndjson.replaceAll('\n', '\r\n\r\n')}\r\n`],
    ['gzip', gzipSync(ndjson)],
    ['gzip in two members', Buffer.concat([gzipSync(`${ndjson.slice(0, 300)}`), gzipSync(ndjson.slice(300))])],
    ['zstd', zstdCompressSync(ndjson)],
    ['a list', JSON.stringify(records)],
    ['a list over lines', JSON.stringify(records, undefined, 2)],
    ['values over lines', records.map((one) => JSON.stringify(one, undefined, 2)).join('\n')],
    ['an envelope', JSON.stringify({ Records: records })],
    ['an envelope over lines', JSON.stringify({ Records: records }, undefined, 1)],
    ['envelopes, one per line', [0, 6].map((from) => JSON.stringify({ Records: records.slice(from, from + 6) })).join('\n')],
    ['a byte order mark first', `\uFEFF${ndjson}`],
  ])('finds the same in %s', async (_form, content) => {
    const outcome = await huntThrough(RULES, { 'input.json': content });
    expect(outcome.tally).toMatchObject({ events: 12, unparsed: 0, failedFiles: [] });
    // The listings serve the correlation alone, which holds at the third and each that follows.
    expect(Object.fromEntries(outcome.tally.matchesByRule)).toEqual({ many: 4 });
    expect(outcome.findings).toMatchObject([{ kind: 'correlation', count: 6, groupBy: { user: 'ann "the\\ ]}[{,' } }]);
  });

  it('says where, on which values and in which record', async () => {
    const line = JSON.stringify({
      Channel: 'Microsoft-Windows-Sysmon/Operational',
      EventID: 1,
      Image: 'C:\\x\\whoami.exe',
      Hostname: 'H1',
      '@timestamp': '2026-01-01T00:00:00Z',
    });
    const { findings } = await huntThrough(RULES, { 'a.ndjson': `{"a":1}\n\n${line}\n` });
    expect(findings).toMatchObject([
      {
        kind: 'match',
        rule: { id: 'whoami', level: 'high' },
        place: { line: 3 },
        timeMs: Date.UTC(2026, 0, 1),
        attributes: { 'device.hostname': 'H1' },
        explanation: [{ field: 'Image', value: 'C:\\x\\whoami.exe' }],
        record: line,
      },
    ]);
  });

  it('reads CSV with quotes, line ends within them and semicolons', async () => {
    const head = 'Channel,EventID,Image,Note\r\n';
    const row = (image: string): string => `Microsoft-Windows-Sysmon/Operational,1,${image},"two\nlines, ""quoted"""\r\n`;
    const outcome = await huntThrough(RULES, {
      'a.csv': `${head}${row('C:\\whoami.exe')}${row('C:\\other.exe')}${row('"C:\\a,b\\whoami.exe"')}x,y,z,u,v,w\r\n`,
      'b.csv': `Channel;EventID;Image\nMicrosoft-Windows-Sysmon/Operational;1;C:\\whoami.exe`,
    });
    expect(linesOf(outcome, 'whoami')).toEqual([2, 6, 2]);
    expect(outcome.tally).toMatchObject({ events: 4, unparsed: 1, unread: [{ line: 8 }] });
  });

  it('reads Zeek logs as Zeek writes them, also one behind the other', async () => {
    const log = (path: string, rows: string): string =>
      `#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t${path}\n#fields\tts\tquery\tanswers\trejected\n#types\ttime\tstring\tvector[string]\tbool\n${rows}#close\t2026\n`;
    const outcome = await huntThrough(RULES, {
      'dns.log': `${log('dns', '1.5\twww.evil.example\t10.0.0.9,1.1.1.1\tF\n2\tx\\x09.evil.example\t-\tF\n')}${log('conn', '3\twww.evil.example\t10.0.0.9\tF\n')}${log('dns', '4\ta.evil.example\t10.0.0.9\tF\nshort\trow\n')}`,
    });
    expect(linesOf(outcome, 'query')).toEqual([8, 27]);
    expect(outcome.tally).toMatchObject({ events: 4, unparsed: 1 });
  });

  it('reads lines of syslog, bare and wrapped in JSON', async () => {
    const line = 'Mar 27 13:06:56 host sshd[1291]: Failed password for root from 10.0.0.1 port 22 ssh2';
    const outcome = await huntThrough(RULES, { 'auth.log': `${line}\nno header\n${JSON.stringify({ message: line })}\n` });
    expect(linesOf(outcome, 'failed')).toEqual([1, 3]);
    expect(outcome.tally).toMatchObject({ events: 2, unparsed: 1, unread: [{ line: 2 }] });
  });

  it('takes log sources from members of the events where asked, and what has none by its mapping', async () => {
    const lines = [
      '{"p":"windows","c":"process_creation","Image":"C:\\\\whoami.exe"}',
      '{"p":"Windows","c":"image_load","Image":"C:\\\\whoami.exe"}',
      '{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Image":"C:\\\\whoami.exe"}',
      '{"p":"windows","Image":"C:\\\\whoami.exe"}',
      '{"c":"process_creation","p":"windows","Im\\u0061ge":"C:\\\\whoami.exe"}',
    ];
    const outcome = await huntThrough(RULES, { 'a.ndjson': lines.join('\n') }, { logSourceFields: { product: 'p', category: 'c' } });
    expect(linesOf(outcome, 'whoami')).toEqual([1, 3, 5]);
  });

  it('counts what is no record, says where, and goes on', async () => {
    const bad = [
      'no json',
      '{"a":1',
      '{"a":tru}',
      '[1]',
      '42',
      '{"a":"\u001b[31m"}',
      '{"a":"\\x"}',
      '{"a":01}',
      '{"a":1}x',
      '"x"',
      '\u0000',
    ];
    const outcome = await huntThrough(RULES, { 'a.ndjson': `{"ok":1}\n${bad.join('\n')}\n{"ok":2}\n` });
    expect(outcome.tally).toMatchObject({ events: 2, unparsed: bad.length });
    expect(outcome.tally.unread.map(({ line }) => line)).toEqual(bad.map((_, i) => i + 2));
  });

  it('counts bytes that are no UTF-8, deep nesting and too many members as not read', async () => {
    const deep = `{"a":${'['.repeat(100)}${']'.repeat(100)}}`;
    const wide = `{${Array.from({ length: 10_001 }, (_, i) => `"${i}":1`).join(',')}}`;
    const content = Buffer.concat([Buffer.from(`${deep}\n${wide}\n{"a":"`), Buffer.from([0xff, 0xfe]), Buffer.from('"}\n{"fine":"é"}\n')]);
    expect((await huntThrough(RULES, { 'a.ndjson': content })).tally).toMatchObject({ events: 1, unparsed: 3 });
  });

  it('passes over a line, a value and a row longer than a record may be, and goes on behind it', async () => {
    const long = 'x'.repeat(17 * 1024 * 1024);
    const lines = await huntThrough(RULES, { 'a.ndjson': `{"a":"${long}"}\n{"b":1}\n` });
    expect(lines.tally).toMatchObject({ events: 1, unparsed: 1, unread: [{ line: 1 }] });
    const values = await huntThrough(RULES, { 'a.json': `[{"a":1},\n{"a":"${long}"},\n{"b":1}]` });
    expect(values.tally).toMatchObject({ events: 2, unparsed: 1, unread: [{ line: 2 }] });
  });

  it('tells of a list that breaks off and of a file cut off in the middle', async () => {
    expect((await huntThrough(RULES, { 'a.json': '[{"a":1},{"b":2}' })).tally).toMatchObject({ events: 2, unparsed: 1 });
    expect((await huntThrough(RULES, { 'a.json': '[{"a":1},{"b":' })).tally).toMatchObject({ events: 1, unparsed: 1 });
    const cut = gzipSync(ndjson).subarray(0, 100);
    const outcome = await huntThrough(RULES, { 'a.gz': cut, 'b.ndjson': ndjson });
    expect(outcome.tally.events).toBeGreaterThanOrEqual(12);
    expect(outcome.tally.failedFiles).toMatchObject([{ reason: 'it is cut off' }]);
  });

  it('treats names of objects as data', async () => {
    const line = '{"__proto__":{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1},"constructor":1,"Image":"C:\\\\whoami.exe"}';
    expect((await huntThrough(RULES, { 'a.ndjson': line })).findings).toEqual([]);
  });

  it('counts an event once for a correlation over two rules that both match it', async () => {
    const rules = `
title: A
id: a
logsource: { product: json }
detection: { sel: { x: 1 }, condition: sel }
---
title: B
id: b
logsource: { product: json }
detection: { sel: { y: 1 }, condition: sel }
---
title: Both
id: both
correlation: { type: event_count, rules: [a, b], group-by: [u], timespan: 1m, condition: { gte: 3 } }
`;
    const lines = [0, 1].map((i) => `{"x":1,"y":1,"u":"ann","time":"2026-01-01T00:00:0${i}Z"}`);
    expect((await huntThrough(rules, { 'a.ndjson': lines.join('\n') })).findings).toEqual([]);
    expect((await huntThrough(rules, { 'a.json': `[${[...lines, lines[0]].join(',')}]` })).findings).toHaveLength(1);
  });
});
