/** Reading by members against decoding as a whole: the same format, the same meaning, the same refusals. */
import { expect, it } from 'vitest';
import { loadMappings } from '../mappings/mapping-set.ts';
import { readShippedMappings } from '../mappings/shipped-mappings.ts';
import { decoders, type FormatName } from './decoders.ts';
import { type DecodedRecord, defaultDecodeLimits } from './record-decoder.ts';
import { createRecordReader } from './record-reader.ts';

const set = loadMappings(readShippedMappings());
const read = createRecordReader(set.members());
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function meaningOf(decoded: readonly DecodedRecord[]): unknown[] {
  return decoded.map((one) =>
    'rejected' in one ? { rejected: one.rejected, reason: one.reason } : { format: one.format, ...set.map(one.format, one.fields, 1e12) },
  );
}

it.each(set.tests)('reads the record of the mapping test "$name" like its decoder', ({ format, record }) => {
  const bytes = encode(record);
  const name = format as FormatName;
  expect(meaningOf(read(name, bytes, defaultDecodeLimits))).toEqual(meaningOf(decoders[name].decode(bytes, defaultDecodeLimits)));
});

it.each([
  '{}',
  '{"Event\\u0049D":4624,"Channel":"Security"}',
  '{"EventID":1,"EventID":4624,"Channel":"Security","Channel":"Security"}',
  '{"Records":[{"eventSource":"a","eventName":"b"},{"eventSource":"c","eventName":"d","eventID":"x"}]}',
  '{"Records":1,"eventSource":"a","eventName":"b"}',
  '{"message":"Jan  2 03:04:05 web sshd[1]: Failed password for root from 10.0.0.1 port 22 ssh2","host":"other"}',
  '{"message":"no line","host":"other"}',
  '{"a":1',
  '{"a":"\u0001"}',
  `{"a":${'['.repeat(70)}${']'.repeat(70)}}`,
  '{"__proto__":{"EventID":1},"Channel":"Security"}',
])('reads %s like the decoders', (text) => {
  for (const format of ['auto', 'json', 'windows-json', 'cloudtrail', 'linux-auth'] as const) {
    const bytes = encode(text);
    expect(meaningOf(read(format, bytes, defaultDecodeLimits))).toEqual(meaningOf(decoders[format].decode(bytes, defaultDecodeLimits)));
  }
});
