/** The router against decoding: the same format and mapping for whatever record, or no answer. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decoders } from '../decoders/decoders.ts';
import { defaultDecodeLimits } from '../decoders/record-decoder.ts';
import { loadMappings } from '../mappings/mapping-set.ts';
import { readShippedMappings } from '../mappings/shipped-mappings.ts';
import { createRecordRouter, type RecordRoute } from './record-router.ts';

const mappings = loadMappings(readShippedMappings());
const router = createRecordRouter(mappings, { named: ['tag'] });

function route(text: string): RecordRoute | undefined {
  const bytes = Buffer.from(text);
  router.open(bytes);
  return router.route(0, bytes.length);
}

function decode(text: string): { format: string; mapping: string } | undefined {
  const [decoded, second] = decoders.auto.decode(Buffer.from(text), defaultDecodeLimits);
  if (decoded === undefined || second !== undefined || 'rejected' in decoded) return undefined;
  return { format: decoded.format, mapping: mappings.mappingOf(decoded.format, decoded.fields) };
}

/** Names and values that conditions and formats ask for, and some they do not. */
const name = fc.constantFrom(
  'EventID',
  'Channel',
  'EventLog',
  'ProviderGuid',
  'event_id',
  'log_name',
  'winlog',
  'channel',
  'eventSource',
  'eventName',
  'message',
  '_path',
  '@stream',
  'ts',
  'uid',
  'id.orig_h',
  'conn_state',
  'Type',
  'SyslogMessage',
  'ProcessName',
  'event_type',
  'EventType',
  'event_data',
  'Event',
  'System',
  'EventData',
  'Records',
  'tag',
  'x',
  '__proto__',
);
const scalar = fc.constantFrom<unknown>(
  1,
  '1',
  12,
  13,
  4688,
  '4688',
  4104,
  'Security',
  'security',
  'Microsoft-Windows-Sysmon/Operational',
  'conn',
  'dns',
  '',
  null,
  true,
  'CreateKey',
  'heartbeat',
  'Syslog',
  'sysmon',
  'Mar 27 13:06:56 h sshd[1]: x',
  1.5,
  'é\\"',
);
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    { arbitrary: scalar, weight: 4 },
    { arbitrary: fc.array(scalar, { maxLength: 2 }), weight: 1 },
    { arbitrary: fc.array(fc.tuple(name, tie('value')), { maxLength: 4 }).map((members) => new Members(members)), weight: 2 },
  ),
})).value;

/** An object whose members may stand twice and in any order. */
class Members {
  readonly text: string;

  constructor(members: readonly (readonly [string, unknown])[]) {
    this.text = `{${members.map(([key, one]) => `${JSON.stringify(key)}: ${textOf(one)}`).join(' ,')}}`;
  }
}

function textOf(one: unknown): string {
  return one instanceof Members ? one.text : Array.isArray(one) ? `[${one.map(textOf).join(',')}]` : JSON.stringify(one);
}

describe('the record router', () => {
  it('answers what decoding would, or not at all', () => {
    let told = 0;
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 8 }), (members) => {
        const { text } = new Members(members);
        const found = route(text);
        if (found === undefined) return;
        told += 1;
        expect({ format: found.format, mapping: found.mapping }, text).toEqual(decode(text));
      }),
      { numRuns: 4000 },
    );
    expect(told).toBeGreaterThan(1000);
  });

  it('is not misled by what it remembers of records before', () => {
    const texts = [
      '{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1}',
      '{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":"1"}',
      '{"EventID":1,"Channel":"Security"}',
      '{"EventID":4688,"Channel":"Security"}',
      '{"winlog":{"event_id":4688,"channel":"Security"}}',
      '{"winlog":{"event_id":4688}}',
      '{"winlog":"x"}',
      '{"Event":{"System":{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational"}}}',
    ];
    for (const text of [...texts, ...texts]) expect(route(text), text).toMatchObject(decode(text) as object);
  });

  it.each(['{"Channel":1,"Channel":2}', '{"a\\u0062":1', '{"message":"x"}', '{"Records":[]}', '[1]', '{"a":1}x', '{"a":"\\x"}'])(
    'leaves %s to the decoder, or is right',
    (text) => {
      const found = route(text);
      if (found !== undefined) expect(found).toMatchObject(decode(text) as object);
    },
  );

  it('tells members by name as text', () => {
    expect(route('{"tag":"a\\u0062","x":1}')?.named).toEqual(['ab']);
    expect(route('{"tag":5}')?.named).toEqual(['5']);
    expect(route('{"x":5}')?.named).toEqual([undefined]);
    expect(route('{"tag":{"a":1}}')?.named).toEqual([undefined]);
  });
});
