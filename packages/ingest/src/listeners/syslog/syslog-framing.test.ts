import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { missingCorpora } from '../../../test/corpora.ts';
import { needs } from '../../../test/needs.ts';
import { syslogCases } from '../../../test/syslog-cases.ts';
import { SyslogFraming } from './syslog-framing.ts';

const MAX = 1000;

/** What comes of chunks: messages as text, bad bytes as their code in brackets. */
function read(chunks: readonly (string | Uint8Array)[], { maxBytes = MAX, ends = true } = {}): string[] {
  const seen: string[] = [];
  const taken: { bytes: Uint8Array; text: string }[] = [];
  const framing = new SyslogFraming(maxBytes, {
    onMessage: (bytes) => {
      const text = Buffer.from(bytes).toString('latin1');
      seen.push(text);
      taken.push({ bytes, text });
    },
    onBad: (code) => seen.push(`[${code}]`),
  });
  for (const chunk of chunks) framing.push(typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk);
  if (ends) framing.end();
  // A view that is handed out never changes.
  for (const { bytes, text } of taken) expect(Buffer.from(bytes).toString('latin1')).toBe(text);
  return seen;
}

const BAD = '[listener.bad_frame]';
const LONG = '[decode.too_large]';

test.each<[string, string, string[]]>([
  ['lines', '<13>a\n<13>b\r\n\n<13>c', ['<13>a', '<13>b', '<13>c']],
  ['counted', '5 <13>a6 <13>bc', ['<13>a', '<13>bc']],
  ['counted with a line within', '8 <13>a\nbc5 <13>d', ['<13>a\nbc', '<13>d']],
  ['counted, with line ends that are not', '5 <13>a\n5 <13>b\r\n\0', ['<13>a', '<13>b']],
  ['counted, line end counted', '6 <13>a\n5 <13>b', ['<13>a', '<13>b']],
  ['a line that begins with a number', '12 bottles\n2021-10-11T22:14:15Z h a: x\n', ['12 bottles', '2021-10-11T22:14:15Z h a: x']],
  ['a count too small', '5 <13>a and more6 <13>bc', ['<13>a', BAD, '<13>bc']],
  ['a count too large', '9 <13>a5 <13>b5 <13>c', ['<13>a5 <1', BAD, '<13>c']],
  ['a count of nothing', '5 <13>a0 <13>x5 <13>b', ['<13>a', BAD, '<13>b']],
  ['a count that no memory holds', '5 <13>a99999999999 <13>x5 <13>b', ['<13>a', BAD, '<13>b']],
  ['no count', '5 <13>a<13>x 5 <13>b', ['<13>a', BAD, '<13>b']],
  ['a counted message over the limit', `5 <13>a2000 <13>${'x'.repeat(1996)}5 <13>b`, ['<13>a', LONG, '<13>b']],
  ['a line over the limit', `<13>a\n<13>${'x'.repeat(2000)}\n<13>b\n`, ['<13>a', LONG, '<13>b']],
  ['a counted message that breaks off', '5 <13>a9 <13>b', ['<13>a', BAD]],
  ['a last line without end', '<13>a\n<13>b', ['<13>a', '<13>b']],
  ['a NUL at the end', '<13>a\0\n', ['<13>a']],
])('%s', (_, stream, expected) => {
  expect(read([stream])).toEqual(expected);
  expect(read([...stream])).toEqual(expected);
});

test('ten million bytes without a line end are one bad message, and the next line is read', () => {
  const chunk = Buffer.alloc(65_536, 'x');
  const chunks = Array.from({ length: 160 }, () => chunk);
  expect(read(['<13>', ...chunks, '\n<13>next\n'], { maxBytes: 256 << 10 })).toEqual([LONG, '<13>next']);
});

test('a message that comes byte by byte takes time proportional to its length', () => {
  const framing = new SyslogFraming(1 << 20, { onMessage: () => undefined, onBad: () => undefined });
  const started = process.cpuUsage().user;
  const one = Buffer.from('x');
  for (let i = 0; i < 1 << 20; i++) framing.push(one);
  expect(process.cpuUsage().user - started).toBeLessThan(5_000_000);
  expect(framing.isMidway).toBe(true);
});

test('however a stream is cut, the same messages come of it', () => {
  const pieces = [
    '5 <13>a',
    '<13>b\n',
    '12 <13>cccccccc',
    '3',
    ' ',
    '<',
    '999 <13>',
    '\n',
    'garbage',
    '0 ',
    '\0',
    '\xff',
    '2000 <13>',
    '7777777 ',
  ];
  const streams = fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 20 }).map((some) => some.join(''));
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(streams, sizes, (stream, cuts) => {
      const chunks: string[] = [];
      for (let at = 0; at < stream.length; at += chunks.at(-1)?.length ?? 0) {
        chunks.push(stream.slice(at, at + (cuts[chunks.length % cuts.length] ?? 1)));
      }
      expect(read(chunks, { maxBytes: 50 })).toEqual(read([stream], { maxBytes: 50 }));
    }),
    { numRuns: 3000, seed: 11 },
  );
  // After any garbage, in either framing, a good message is found.
  fc.assert(
    fc.property(streams, (stream) => {
      const isLines = !/^[\n\0 ]*[1-9]\d{0,6} </.test(stream);
      const good = isLines ? '\n<13>good\n' : `${'z'.repeat(8_000_000)}8 <13>good`;
      expect(read([stream, good], { maxBytes: 50 }).at(-1)).toBe('<13>good');
    }),
    { numRuns: 30, seed: 11 },
  );
});

describe('as Telegraf cuts them', needs(missingCorpora), () => {
  const streams = syslogCases.filter(([, { framing }]) => framing !== 'datagram');
  test('there are cases', () => expect(streams.length).toBeGreaterThan(10));
  test.each(streams)('%s', (_, each) => {
    const messages = read([Buffer.from(each.input_b64, 'base64')], { maxBytes: 8192 }).filter((one) => one !== BAD);
    const expected = (each.expected_line_protocol ?? '').split('\n').filter((line) => line.startsWith('syslog,'));
    // What breaks off is counted here and no message.
    expect(messages).toHaveLength(each.expected_error === null ? expected.length : 0);
  });
});
