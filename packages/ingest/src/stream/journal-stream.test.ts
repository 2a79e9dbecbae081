/** The journal's export format, as the program `journalctl` writes it, and as nobody should. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultDecodeLimits } from '../decoders/record-decoder.ts';
import { openRecordStream } from './record-stream.ts';

const LIMITS = { ...defaultDecodeLimits, maxRecordBytes: 4096 };

const binary = (name: string, value: Uint8Array, length = BigInt(value.length)): Buffer => {
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(length);
  return Buffer.concat([Buffer.from(`${name}\n`), size, value, Buffer.from('\n')]);
};
/** Written after the example of systemd's "Journal Export Formats". */
const head = (n: number): string =>
  `__CURSOR=s=739ad463;i=${n};b=4da5;m=1;t=2;x=3\n__REALTIME_TIMESTAMP=134254${n}5739933${n}\n_BOOT_ID=4da5\n`;
const sshd = (n: number): string =>
  `${head(n)}PRIORITY=6\nSYSLOG_IDENTIFIER=sshd\n_HOSTNAME=web1\n_PID=4711\nMESSAGE=Failed password for root from 203.0.113.9 port 41${n} ssh2\n\n`;

function read(bytes: Uint8Array, piece = bytes.length): ReturnType<ReturnType<typeof openRecordStream>['push']> {
  const stream = openRecordStream('auto', LIMITS);
  const found = [];
  for (let at = 0; at < bytes.length; at += Math.max(1, piece)) found.push(...stream.push(bytes.subarray(at, at + Math.max(1, piece))));
  return [...found, ...stream.end()];
}

test('entries are read as what their messages are', () => {
  const entry = Buffer.concat([Buffer.from(head(2)), binary('MESSAGE', Buffer.from('two\nlines')), Buffer.from('TAG=a\nTAG=b\n\n')]);
  const found = read(Buffer.concat([Buffer.from(sshd(1)), entry, Buffer.from(sshd(3))]));
  expect(found).toMatchObject([
    { format: 'linux-auth', fields: { host: 'web1', program: 'sshd', pid: '4711', _BOOT_ID: '4da5' } },
    { fields: { MESSAGE: 'two\nlines', TAG: ['a', 'b'] } },
    { format: 'linux-auth' },
  ]);
});

test('what is too long or malformed costs its own entry only', () => {
  const bad = [
    binary('MESSAGE', Buffer.alloc(5000, 'x')),
    binary('MESSAGE', Buffer.from('x'), 2n ** 63n),
    binary('MESSAGE', Buffer.from('short'), 3n),
    Buffer.from(`A=${'y'.repeat(5000)}\n`),
    Buffer.from(Array.from({ length: 400 }, (_, i) => `F${i}=0123456789\n`).join('')),
    Buffer.from('no name=1\n'),
    Buffer.from('__proto__=1\n'),
  ];
  for (const part of bad) {
    const found = read(Buffer.concat([Buffer.from(sshd(1)), Buffer.from(head(2)), part, Buffer.from('\n'), Buffer.from(sshd(3))]));
    expect([found[0], found.at(-1)]).toMatchObject([{ format: 'linux-auth' }, { format: 'linux-auth' }]);
    expect(found.length).toBe(3);
  }
  expect(read(Buffer.from(sshd(1).slice(0, -20))).at(-1)).toMatchObject({ rejected: 'decode.bad_line' });
});

test('any bytes in any pieces: the same records, nothing thrown', () => {
  const parts = fc.array(
    fc.oneof(
      fc.constantFrom('\n', '=', '\n\n', 'MESSAGE', '__CURSOR=s=1\n').map((text) => Buffer.from(text)),
      fc.integer({ min: 1, max: 9 }).map((n) => Buffer.from(sshd(n))),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => binary('MESSAGE', bytes)),
    ),
  );
  fc.assert(
    fc.property(parts, fc.integer({ min: 1, max: 50 }), (given, piece) => {
      const bytes = Buffer.concat([Buffer.from(sshd(1)), ...given]);
      expect(read(bytes, piece)).toEqual(read(bytes));
    }),
  );
});
