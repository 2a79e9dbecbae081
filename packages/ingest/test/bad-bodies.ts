/**
 * Malformed and hostile request bodies for `POST /api/v1/events`, generated: more than 300, each with what must come of it. Pure
 * data, the same in every run. Used on the route here and on the built program in the tests with real servers.
 */
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib';

/** One hostile request. */
export interface BadBody {
  readonly name: string;
  readonly contentType: string;
  readonly encoding?: string | undefined;
  readonly body: Uint8Array;
  /** Statuses that are right. 202 stands only where part of the body is good. */
  readonly statuses: readonly number[];
  /** How many records of it must be stored; everything else must be refused with code and reason. */
  readonly stored: number;
}

const JSON_TYPE = 'application/json';
const NDJSON = 'application/x-ndjson';
const CLOUDEVENT = 'application/cloudevents+json';
const BATCH = 'application/cloudevents-batch+json';
const MIB = 1024 * 1024;

/** Every bad body. The source they are sent by must have the format `json`. */
export function badBodies(): BadBody[] {
  return [
    ...truncations(),
    ...nestings(),
    ...manyKeys(),
    ...badText(),
    ...badLines(),
    ...notRecords(),
    ...compressions(),
    ...contentTypes(),
    ...cloudEvents(),
    ...oversized(),
    ...mutations(),
  ];
}

const text = (value: string): Uint8Array => Buffer.from(value);

function refused(name: string, body: Uint8Array | string, over: Partial<BadBody> = {}): BadBody {
  return { name, contentType: JSON_TYPE, body: typeof body === 'string' ? text(body) : body, statuses: [400], stored: 0, ...over };
}

/** Every proper prefix of an object and of an array of objects. */
function truncations(): BadBody[] {
  const object = '{"a":"\\u00e4","b":[1,{"c":null}],"d":true}';
  const array = '[{"a":1},{"b":"]"},{"c":[{}]}]';
  const prefixes = (whole: string): string[] => Array.from({ length: whole.length - 1 }, (_, i) => whole.slice(0, i + 1));
  return [
    ...prefixes(object).map((prefix) => refused(`object cut at ${prefix.length}`, prefix)),
    ...prefixes(array).map((prefix) => refused(`array cut at ${prefix.length}`, prefix)),
    ...prefixes(object).map((prefix) =>
      refused(`line cut at ${prefix.length}`, `{"ok":1}\n${prefix}`, { contentType: NDJSON, statuses: [202], stored: 1 }),
    ),
  ];
}

function nestings(): BadBody[] {
  return [65, 1000, 200_000].flatMap((depth) => {
    const arrays = `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const objects = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    return [
      refused(`array ${depth} deep`, arrays),
      refused(`array ${depth} deep, open`, '['.repeat(depth)),
      refused(`object ${depth} deep`, objects, { statuses: [400, 413] }),
      refused(`object ${depth} deep, open`, '{"a":'.repeat(depth), { statuses: [400, 413] }),
      refused(`member ${depth} deep`, `{"a":${arrays}}`),
      refused(`lines ${depth} deep`, `${objects}\n{"ok":1}\n{"a":${arrays}}`, { contentType: NDJSON, statuses: [202], stored: 1 }),
    ];
  });
}

function manyKeys(): BadBody[] {
  const keys = (count: number): string => `{${Array.from({ length: count }, (_, i) => `"k${i}":0`).join(',')}}`;
  return [10_001, 100_000, 1_000_000].flatMap((count) => [
    refused(`${count} members`, keys(count), { statuses: [400, 413] }),
    refused(`${count} members in a line`, `${keys(count)}\n{"ok":1}`, { contentType: NDJSON, statuses: [202], stored: 1 }),
  ]);
}

/** Bytes that are no UTF-8 (Unicode 15, table 3-7), inside a string, outside, and as the whole. */
function badText(): BadBody[] {
  const bad = [
    '80',
    'bf',
    'c0af',
    'c1bf',
    'c2',
    'e08080',
    'e280',
    'eda080',
    'edbfbf',
    'f0808080',
    'f4908080',
    'f5808080',
    'f8888080',
    'fe',
    'ff',
    'fffe',
    'feff',
    '00ff',
  ];
  return bad.flatMap((hex) => {
    const bytes = Buffer.from(hex, 'hex');
    return [
      refused(`bad UTF-8 ${hex} in a value`, Buffer.concat([text('{"a":"'), bytes, text('"}')])),
      refused(`bad UTF-8 ${hex} in a name`, Buffer.concat([text('{"'), bytes, text('":1}')])),
      refused(`bad UTF-8 ${hex} in a line`, Buffer.concat([text('{"ok":1}\n{"a":"'), bytes, text('"}\n')]), {
        contentType: NDJSON,
        statuses: [202],
        stored: 1,
      }),
      refused(`bad UTF-8 ${hex} as the whole`, bytes),
    ];
  });
}

function badLines(): BadBody[] {
  const lines = [
    'nul',
    '{',
    '}',
    '[]',
    '[{}]',
    '"text"',
    '1',
    'null',
    'true',
    '{"a":1}{"b":2}',
    '{"a":1},',
    "{'a':1}",
    '{a:1}',
    '{"a":01}',
    '{"a":+1}',
    '{"a":.5}',
    '{"a":1.}',
    '{"a":0x1}',
    '{"a":NaN}',
    '{"a":Infinity}',
    '{"a":"\t"}',
    '{"a":"\u0000"}',
    '{"a":"\\x"}',
    '{"a":"\\u12"}',
    '{"a":1,}',
    '{,}',
    '{"a"}',
    '{"a":}',
    '{:1}',
    '{"a":undefined}',
    '/* */{}',
    '{}//',
    '\u{feff}x',
  ];
  return lines.flatMap((line) => [
    refused(`line ${JSON.stringify(line)}`, `${line}\n`, { contentType: NDJSON }),
    refused(`good line, then ${JSON.stringify(line)}`, `{"ok":1}\r\n${line}`, { contentType: NDJSON, statuses: [202], stored: 1 }),
  ]);
}

function notRecords(): BadBody[] {
  return [
    ...['', ' ', '\n\n', '\u{feff}', '[]', ' [ ] '].map((body) => refused(`nothing in ${JSON.stringify(body)}`, body)),
    ...[
      '1',
      '"a"',
      'null',
      'true',
      '[1]',
      '["a"]',
      '[null]',
      '[[]]',
      '[[{}]]',
      '{} {}',
      '[{}] []',
      '[{}],',
      '[{},]',
      '[,{}]',
      '[{}{}]',
      '[{}',
      '{}]',
      ']',
      '}',
      ':',
      ',',
    ].map((body) => refused(`no record in ${body}`, body)),
    refused('good element and bad', '[{"ok":1},2,{"a":01}]', { statuses: [202], stored: 1 }),
    refused('form', 'a=1&b=2'),
    refused('XML', '<?xml version="1.0"?><Event/>'),
    refused('a page of NUL', new Uint8Array(4096)),
  ];
}

function compressions(): BadBody[] {
  const good = text('{"ok":1}');
  const packers = {
    gzip: (bytes: Uint8Array): Uint8Array => gzipSync(bytes),
    br: brotli,
    zstd: (bytes: Uint8Array): Uint8Array => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
  };
  return Object.entries(packers).flatMap(([encoding, pack]) => {
    const packed = pack(text(`{"a":"${'x'.repeat(300)}"}`));
    const bomb = pack(new Uint8Array(80 * MIB).fill(0x20));
    const damaged = Uint8Array.from(packed, (byte, i) => (i === packed.length >> 1 ? byte ^ 0x55 : byte));
    return [
      refused(`${encoding} bomb`, bomb, { encoding, statuses: [413] }),
      refused(`${encoding} bomb as lines`, bomb, { encoding, contentType: NDJSON, statuses: [413] }),
      refused(`${encoding} in name only`, good, { encoding }),
      refused(`${encoding} of nothing`, new Uint8Array(0), { encoding }),
      refused(`${encoding} of bad JSON`, pack(text('{"a":')), { encoding }),
      refused(`${encoding} damaged`, damaged, { encoding }),
      ...[1, 5, packed.length >> 1, packed.length - 1].map((length) =>
        refused(`${encoding} cut at ${length}`, packed.slice(0, length), { encoding }),
      ),
      refused(`${encoding} not announced`, packed),
    ];
  });
}

function brotli(bytes: Uint8Array): Uint8Array {
  return brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } });
}

function contentTypes(): BadBody[] {
  const types = [
    '',
    'application/xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'image/png',
    'application/octet-stream',
    'text/html',
    'application/json; charset=utf-16',
    'application/json; charset=latin1',
    'json',
    'application/',
    '*/*',
    'application/json, text/plain',
  ];
  const encodings = ['deflate', 'compress', 'gzip, gzip', 'gzip, br', 'x', 'identity, gzip'];
  return [
    ...types.map((contentType) => refused(`content type ${JSON.stringify(contentType)}`, '{"ok":1}', { contentType, statuses: [415] })),
    ...encodings.map((encoding) => refused(`content encoding ${encoding}`, '{"ok":1}', { encoding, statuses: [415] })),
  ];
}

function cloudEvents(): BadBody[] {
  const good = { specversion: '1.0', id: 'ce-1', source: '/s', type: 't', data: { a: 1 } };
  const variants: Record<string, unknown> = {
    'no specversion': { ...good, specversion: undefined },
    'specversion 0.3': { ...good, specversion: '0.3' },
    'specversion a number': { ...good, specversion: 1.0 },
    'no id': { ...good, id: undefined },
    'empty id': { ...good, id: '' },
    'id a number': { ...good, id: 7 },
    'id too long': { ...good, id: 'x'.repeat(1025) },
    'id half a character': { ...good, id: 'a\ud800' },
    'no source': { ...good, source: undefined },
    'no type': { ...good, type: undefined },
    'empty type': { ...good, type: '' },
    'time no time': { ...good, time: 'yesterday' },
    'time without zone': { ...good, time: '2024-01-01T00:00:00' },
    'time impossible': { ...good, time: '2024-13-45T99:00:00Z' },
    'data a number': { ...good, data: 5 },
    'data an array': { ...good, data: [1] },
    'data null': { ...good, data: null },
    'data text that is no JSON': { ...good, data: 'plain' },
    'data and data_base64': { ...good, data_base64: 'e30=' },
    'data_base64 no base64': { ...good, data: undefined, data_base64: '***' },
    'data_base64 a number': { ...good, data: undefined, data_base64: 1 },
    'data_base64 of bad UTF-8': { ...good, data: undefined, data_base64: '/////w==' },
    'an array': [],
    'a number': 1,
  };
  return Object.entries(variants).flatMap(([name, event], i) => [
    refused(`CloudEvent: ${name}`, JSON.stringify(event), { contentType: CLOUDEVENT }),
    refused(`CloudEvents, one good: ${name}`, JSON.stringify([{ ...good, id: `good-${i}` }, event]), {
      contentType: BATCH,
      statuses: [202],
      stored: 1,
    }),
  ]);
}

function oversized(): BadBody[] {
  const large = `{"a":"${'x'.repeat(MIB)}"}`;
  return [
    refused('event above 1 MiB', large, { statuses: [413] }),
    refused('element above 1 MiB', `[{"ok":1},${large}]`, { statuses: [202], stored: 1 }),
    refused('line above 1 MiB', `${large}\n{"ok":1}`, { contentType: NDJSON, statuses: [202], stored: 1 }),
    refused('body above 16 MiB', new Uint8Array(16 * MIB + 1).fill(0x20), { statuses: [413] }),
    refused('more lines than records allowed', '{}\n'.repeat(100_001), { contentType: NDJSON, statuses: [413] }),
    refused('more elements than records allowed', `[${'{},'.repeat(100_000)}{}]`, { statuses: [413] }),
  ];
}

/** One byte of a good object replaced by one that breaks it wherever it stands. */
function mutations(): BadBody[] {
  const good = '{"a":1,"b":[2]}';
  return ['\u0001', '\u007f', '#'].flatMap((bad) =>
    [0, 2, 4, 5, 6, 10, 11, 12, 13, 14]
      .filter((at) => !(at === 2 && bad !== '\u0001'))
      .map((at) => refused(`${JSON.stringify(bad)} at ${at}`, good.slice(0, at) + bad + good.slice(at + 1))),
  );
}
