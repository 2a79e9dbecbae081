import { isTocsinError, Secret } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { decoders, type FormatName } from '../decoders/decoders.ts';
import { type AcceptedRecord, defaultDecodeLimits } from '../decoders/record-decoder.ts';
import type { PrivacyPolicy } from './privacy-policy.ts';
import { compilePrivacy, type RecordPrivacy } from './record-privacy.ts';
import { applyEdits } from './text-edits.ts';

const key = new Secret('a key of the tests, long enough');

function privacyOf(policy: PrivacyPolicy, tenant = 'acme'): RecordPrivacy {
  const privacy = compilePrivacy(policy, { tenant, source: 'web01', key });
  if (privacy === undefined) throw new Error('the policy says nothing');
  return privacy;
}

function recordOf(text: string | Buffer, format: FormatName = 'auto'): AcceptedRecord {
  const [record] = decoders[format].decode(Buffer.from(text as string), defaultDecodeLimits);
  if (record === undefined || 'rejected' in record) throw new Error(`not read: ${record?.reason}`);
  return record;
}

/** The record's text after the policy; its rule or reason where it is not kept. */
function after(policy: PrivacyPolicy, text: string, format?: FormatName): string {
  const treated = privacyOf(policy).treat(recordOf(text, format), defaultDecodeLimits);
  if (treated.kind === 'dropped') return `dropped by ${treated.rule}`;
  return treated.kind === 'refused' ? `refused: ${treated.refusal.code}` : Buffer.from(treated.record.record).toString();
}

const mask = (...fields: string[]): PrivacyPolicy => ({ fields: fields.map((field) => ({ field, act: 'mask' })) });

describe('fields of JSON', () => {
  it.each<[string, PrivacyPolicy, string, string]>([
    [
      'by name at any depth',
      mask('ssn'),
      '{"a":{"ssn":"1"},"l":[{"SSN":22}],"x":"ssn"}',
      '{"a":{"ssn":"***"},"l":[{"SSN":"***"}],"x":"ssn"}',
    ],
    ['by path from the root only', mask('a.b'), '{"a":{"b":1,"c":{"b":2}},"b":3}', '{"a":{"b":"***","c":{"b":2}},"b":3}'],
    ['as one flat name', mask('a.b'), '{"a.b":"x"}', '{"a.b":"***"}'],
    ['whole objects and lists', mask('who'), '{"who":{"n":[1,{"q":"}"}]},"k":[]}', '{"who":"***","k":[]}'],
    [
      'nothing else, to the byte',
      mask('z'),
      '{ "n" : 12345678901234567890, "d":1,"d":2 ,\t"z":true}',
      '{ "n" : 12345678901234567890, "d":1,"d":2 ,\t"z":"***"}',
    ],
    ['every one of double members', mask('z'), '{"z":"one","z":"two"}', '{"z":"***","z":"***"}'],
    ['names with escapes', mask('user'), '{"\\u0075ser":"bob"}', '{"\\u0075ser":"***"}'],
    ['names beyond ASCII', mask('größe'), '{"größe":"ü","a":"ü"}', '{"größe":"***","a":"ü"}'],
    ['null stays', mask('z'), '{"z":null}', '{"z":null}'],
    ['empty objects and lists on the way', mask('z'), '{"a":{},"b":[],"c":[{}],"z":"1"}', '{"a":{},"b":[],"c":[{}],"z":"***"}'],
    ['__proto__ and the like are names', mask('__proto__'), '{"__proto__":{"a":1},"constructor":1}', '{"__proto__":"***","constructor":1}'],
  ])('%s', (_, policy, before, want) => {
    expect(after(policy, before, 'json')).toBe(want);
    expect(() => JSON.parse(want)).not.toThrow();
  });

  it('hashes alike everywhere, tokenises alike within a tenant only', () => {
    const policy: PrivacyPolicy = {
      fields: [
        { field: 'h', act: 'hash' },
        { field: 't', act: 'tokenise' },
      ],
    };
    const text = '{"h":"bob","t":"bob","l":[{"h":"bob"}]}';
    const parse = (tenant: string) => {
      const treated = privacyOf(policy, tenant).treat(recordOf(text, 'json'), defaultDecodeLimits);
      return JSON.parse(Buffer.from(treated.kind === 'kept' ? treated.record.record : '').toString()) as {
        h: string;
        t: string;
        l: [{ h: string }];
      };
    };
    const [one, again, other] = [parse('acme'), parse('acme'), parse('globex')];
    expect(one).toEqual(again);
    expect(one.h).toMatch(/^[0-9a-f]{32}$/);
    expect(one.t).toMatch(/^tok_[0-9a-f]{32}$/);
    expect(one.l[0].h).toBe(one.h);
    expect(other.h).toBe(one.h);
    expect(other.t).not.toBe(one.t);
  });

  it('needs a key for what is keyed', () => {
    for (const bad of [undefined, new Secret('short')]) {
      try {
        compilePrivacy({ fields: [{ field: 'a', act: 'hash' }] }, { tenant: 'a', source: 's', key: bad });
        expect.unreachable();
      } catch (error) {
        expect(isTocsinError(error, 'privacy.no_key')).toBe(true);
      }
    }
    expect(compilePrivacy({}, { tenant: 'a', source: 's', key: undefined })).toBeUndefined();
  });
});

describe('fields of other formats', () => {
  it.each<[string, FormatName, string[], string, string]>([
    [
      'key=value',
      'key-value',
      ['user'],
      'time=1 user=bob src=10.0.0.1 msg="bob was here"',
      'time=1 user=*** src=10.0.0.1 msg="bob was here"',
    ],
    ['quoted values', 'key-value', ['user'], 'user="bob ross" app=x', 'user="***" app=x'],
    [
      'CEF',
      'cef',
      ['suser'],
      'CEF:0|v|p|1|100|login|5|src=10.0.0.1 suser=bob msg=ok',
      'CEF:0|v|p|1|100|login|5|src=10.0.0.1 suser=*** msg=ok',
    ],
    [
      'Windows XML',
      'windows-xml',
      ['TargetUserName'],
      `<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Security-Auditing'/><EventID>4625</EventID><Channel>Security</Channel></System><EventData><Data Name='TargetUserName'>bob&amp;co</Data><Data Name='IpAddress'>10.0.0.1</Data></EventData></Event>`,
      '{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Security-Auditing"}},"EventID":"4625","Channel":"Security"},"EventData":{"TargetUserName":"***","IpAddress":"10.0.0.1"}}}',
    ],
  ])('%s', (_, format, fields, before, want) => {
    expect(after(mask(...fields), before, format)).toBe(want);
  });

  it('replaces a value that has no name in the text wherever it is a word', () => {
    const line = '10.0.0.9 - ann [10/Oct/2000:13:55:36 -0700] "GET /x HTTP/1.0" 200 23';
    const fields = recordOf(line, 'access-log').fields;
    const name = Object.keys(fields).find((one) => fields[one] === 'ann') ?? '';
    expect(after(mask(name), line, 'access-log')).toBe(line.replace('ann', '***'));
  });

  it('refuses what it cannot conceal rather than store it', () => {
    // Its time is what the format is told by: replaced, the line reads no more.
    const line = '10.0.0.9 - ann [10/Oct/2000:13:55:36 -0700] "GET /x HTTP/1.0" 200 23';
    const fields = recordOf(line, 'access-log').fields;
    const time = Object.keys(fields).find((one) => String(fields[one]).includes('Oct')) ?? '';
    expect(after(mask(time), line, 'access-log')).toMatch(/refused: privacy.not_applied|\*\*\*/);
  });

  it.each([['5d41402abc4b2a76b9719d911017c592'], ['tok_5d41402abc4b2a76b9719d911017c592'], ['bob_smith'], ['***']])(
    'conceals %s in a line that JSON carries, whatever it looks like',
    (value) => {
      const carried = (log: string): string => JSON.stringify({ log, stream: 'stdout' });
      const line = (user: string): string => `CEF:0|v|p|1|100|login|5|src=10.0.0.1 suser=${user} msg=ok`;
      expect(after(mask('suser'), carried(line(value)), 'auto')).toBe(carried(line('***')));
      const keyed = after({ fields: [{ field: 'suser', act: 'tokenise' }] }, carried(line(value)), 'auto');
      expect(keyed).toMatch(/suser=tok_[0-9a-f]{32} msg=ok/);
      expect(keyed).not.toContain(`suser=${value} `);
    },
  );

  it('leaves nothing of secrets and fields that overlap', () => {
    // A password to its first blank, and a card number that begins within it.
    const line = 'time=1 password=abcd/4111 1111 1111 1111';
    expect(after({ secrets: 'mask' }, line, 'key-value')).toBe('time=1 password=***password***');
    const edits = [
      { from: 2, to: 5, text: '*' },
      { from: 4, to: 8, text: '+' },
      { from: 4, to: 6, text: '-' },
      { from: 8, to: 9, text: '=' },
    ];
    expect(applyEdits('0123456789', edits)).toBe('01*=9');
  });

  it('keeps bytes that are no text', () => {
    const treated = privacyOf(mask('user')).treat(recordOf(Buffer.from('user=bob x=\xff\xfe', 'latin1'), 'key-value'), defaultDecodeLimits);
    expect(treated.kind === 'kept' && Buffer.from(treated.record.record).toString('latin1')).toBe('user=*** x=\xff\xfe');
  });
});

describe('records that are dropped', () => {
  const policy: PrivacyPolicy = {
    drop: [
      { name: 'probes', when: { path: ['/health', '/ready*'], 'http.method': 'GET' } },
      { name: 'debug', when: { level: 'debug' } },
    ],
  };
  it.each([
    ['{"path":"/health","http":{"method":"get"}}', 'dropped by probes'],
    ['{"path":"/readyz","http.method":"GET"}', 'dropped by probes'],
    ['{"path":"/health","http":{"method":"POST"}}', undefined],
    ['{"path":"/health"}', undefined],
    ['{"list":[{"level":"info"},{"level":"DEBUG"}]}', 'dropped by debug'],
    ['{"level":"debugging"}', undefined],
  ])('%s', (text, want) => {
    expect(after(policy, text, 'json')).toBe(want ?? text);
  });
});

describe('a policy in the intake', () => {
  it('gives the same bytes for the same record, and again for what it has made', () => {
    const policy: PrivacyPolicy = { secrets: 'mask', fields: [{ field: 'user', act: 'tokenise' }] };
    const once = after(policy, '{"user":"bob","cmd":"net user eve Pa55word /add"}', 'json');
    expect(once).toBe(after(policy, '{"user":"bob","cmd":"net user eve Pa55word /add"}', 'json'));
    expect(once).toContain('net user eve ***password*** /add');
    expect(JSON.parse(after({ secrets: 'mask' }, once, 'json'))).toEqual(JSON.parse(once));
  });
});
