import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decoders } from '../decoders/decoders.ts';
import { defaultDecodeLimits } from '../decoders/record-decoder.ts';
import { findSecrets } from './find-secrets.ts';
import { compilePrivacy } from './record-privacy.ts';
import { applyEdits } from './text-edits.ts';

const masked = (text: string): string => applyEdits(text, findSecrets(text));
// Put together here, so that no scanner of repositories takes the test for a leak.
const made = (...parts: string[]): string => parts.join('');
const jwt = made('eyJhbGciOiJIUzI1NiJ9', '.eyJzdWIiOiIxMjM0NTY3ODkwIn0', '.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U');
const pem = made('-----BEGIN RSA PRIVATE', ' KEY-----\nMIIEpAIBAAKCAQEA\nabc+/=\n-----END RSA PRIVATE', ' KEY-----');

describe('secrets in texts', () => {
  it.each([
    ['an AWS key', made('id AKIA', 'IOSFODNN7EXAMPLE used'), 'id ***aws_access_key*** used'],
    [
      'an AWS secret',
      made('aws_secret_access_key=', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY end'),
      'aws_secret_access_key=***password*** end',
    ],
    [
      'a GitHub token',
      made('git clone https://x:ghp_', 'a'.repeat(36), '@github.com/a'),
      'git clone https://x:***github_token***@github.com/a',
    ],
    ['a JWT', `GET /?t=${jwt} 200`, 'GET /?t=***jwt*** 200'],
    ['a bearer token', 'Authorization: Bearer abcdefghijklmnop1234', 'Authorization: Bearer ***authorization***'],
    ['a private key', `key ${pem} end`, 'key ***private_key*** end'],
    ['a private key cut off', pem.slice(0, 60), '***private_key***'],
    ['a password option', 'app.exe --password hunter2 --verbose', 'app.exe --password ***password*** --verbose'],
    [
      'a quoted password',
      'app --password "my pass phrase" -v; PASSWORD="a b c"',
      'app --password "***password***" -v; PASSWORD="***password***"',
    ],
    ['a password of Windows', 'tool /password:hunter2 /q', 'tool /password:***password*** /q'],
    ['net user', 'net user eve S3cret! /add', 'net user eve ***password*** /add'],
    [
      'net user in quotes',
      '"C:\\Windows\\System32\\net.exe" user eve S3cret! /add',
      '"C:\\Windows\\System32\\net.exe" user eve ***password*** /add',
    ],
    ['sshpass', 'sshpass -p hunter22 ssh a@b', 'sshpass -p ***password*** ssh a@b'],
    ['mysql', 'mysql -u root -phunter22 db', 'mysql -u root -p***password*** db'],
    ['curl', 'curl -s -u ann:hunter22 https://x', 'curl -s -u ann:***password*** https://x'],
    ['a URL', 'psql postgres://ann:hunter22@db/x', 'psql postgres://ann:***password***@db/x'],
    ['SecureString', 'ConvertTo-SecureString "P@ss w" -AsPlainText', 'ConvertTo-SecureString "***password***" -AsPlainText'],
    ['a card', 'card 4111 1111 1111 1111 ok', 'card ***card*** ok'],
    ['a card without spaces', 'pan=5555555555554444', 'pan=***card***'],
    ['two in one', 'password=abcdef token 378282246310005', 'password=***password*** token ***card***'],
  ])('masks %s', (_, text, want) => {
    expect(masked(text)).toBe(want);
    // What is masked is left as it is.
    expect(masked(want)).toBe(want);
  });

  it.each([
    ['a failed logon', 'Failed password for invalid user admin from 10.0.0.1 port 22 ssh2'],
    ['a folder', 'sudo: ann : TTY=pts/0 ; PWD=/home/ann ; USER=root ; COMMAND=/bin/ls'],
    ['a number that fits no check digit', 'order 4111111111111112'],
    ['microseconds', 'at 1700000000000000 and 1700000000000'],
    ['a GUID', '{6f9619ff-8b86-d011-b42d-00c04fc964ff} 4111-1111'],
    ['a hash', 'SHA256=9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08'],
    ['net use', 'net user /domain'],
    ['plain words', 'the token ring, the secret garden, a basic question'],
  ])('leaves %s', (_, text) => {
    expect(masked(text)).toBe(text);
  });

  it('takes time linear in the text, whatever it holds', () => {
    const hostile = [
      'eyJ',
      'eyJaaaaaaaa.',
      'curl ',
      'net user ',
      'password',
      'password=',
      '://a:',
      '-----BEGIN ',
      '-----BEGIN PRIVATE KEY-----',
      '4111 ',
      '1-',
      'mysql -',
      ' -password ',
      'AKIA',
      'Bearer ',
    ];
    for (const piece of hostile) {
      const cpu = (length: number): number => {
        const text = piece.repeat(length / piece.length);
        const from = process.cpuUsage();
        findSecrets(text);
        return process.cpuUsage(from).user / 1000;
      };
      cpu(10_000);
      // A quadratic search of half a megabyte would take minutes.
      expect(cpu(524_288), piece).toBeLessThan(3000);
    }
  });
});

describe('secrets in records', () => {
  const privacy = compilePrivacy({ secrets: 'mask' }, { tenant: 'acme', source: 's', key: undefined });
  const treat = (text: string, format: 'json' | 'auto' = 'json') => {
    const [record] = decoders[format].decode(Buffer.from(text), defaultDecodeLimits);
    if (record === undefined || 'rejected' in record) return undefined;
    const treated = privacy?.treat(record, defaultDecodeLimits);
    return treated?.kind === 'kept' ? { text: Buffer.from(treated.record.record).toString(), hasSecret: treated.hasSecret } : undefined;
  };

  it('masks in strings with escapes, in fields called so, in numbers, and leaves JSON that reads', () => {
    const text = JSON.stringify({
      c: 'run "x" --password "a\\b€" end',
      apiKey: 'abc123',
      n: [4111111111111111],
      deep: { client_secret: 'q"w' },
      ok: 'é',
    });
    const out = treat(text);
    expect(out?.hasSecret).toBe(true);
    const value = JSON.parse(out?.text ?? '') as Record<string, unknown>;
    expect(value).toMatchObject({ apiKey: '***password***', n: ['***card***'], deep: { client_secret: '***password***' }, ok: 'é' });
    expect(value['c']).not.toContain('a\\b');
  });

  it('never breaks JSON, and says nothing of what has no secret', () => {
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 4 }).map((inner) => `{"a":${inner},"password":"hunter22"}`),
        (text) => {
          const out = treat(text);
          expect(out?.text).toBeDefined();
          expect((JSON.parse(out?.text ?? '') as { password: string }).password).toBe('***password***');
        },
      ),
      { numRuns: 300 },
    );
    expect(treat('{"a":1}')).toEqual({ text: '{"a":1}', hasSecret: false });
  });

  it('flags without a change where that is all that is asked', () => {
    const flagging = compilePrivacy({ secrets: 'flag' }, { tenant: 'acme', source: 's', key: undefined });
    const [record] = decoders.json.decode(Buffer.from('{"password":"hunter22"}'), defaultDecodeLimits);
    if (record === undefined || 'rejected' in record) throw new Error('not read');
    expect(flagging?.treat(record, defaultDecodeLimits)).toEqual({ kind: 'kept', record, hasSecret: true });
  });
});
