import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { cutFileLines } from './cut-lines.ts';
import { isRotatedName } from './find-files.ts';
import { createLineJoiner, type LineJoiner } from './line-joiner.ts';

function push(joiner: LineJoiner | undefined, lines: readonly string[]): string[] {
  let at = 0;
  const records: string[] = [];
  for (const line of lines) {
    const bytes = Buffer.from(line);
    for (const record of joiner?.push({ at, next: at + bytes.length + 1, bytes }) ?? [])
      records.push(`${record.at} ${record.bytes.toString()}`);
    at += bytes.length + 1;
  }
  return records;
}

test('lines of UTF-16LE are cut where letters begin, without the mark', () => {
  // U+0A0D holds a byte that looks like an end of line.
  const bytes = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('a\u0a0d\r\nb\nrest', 'utf16le')]);
  expect(cutFileLines(bytes, 0, true).map(({ at, next, bytes: line }) => [at, next, line.toString()])).toEqual([
    [0, 10, 'a\u0a0d'],
    [10, 14, 'b'],
  ]);
});

test('bytes that are not UTF-8 are kept', () => {
  expect(cutFileLines(Buffer.from([0xff, 0x41, 0x0a]), 5, false)[0]?.bytes).toEqual(Buffer.from([0xff, 0x41]));
});

test('parts of CRI lines are joined by stream, and keep their place', () => {
  const joiner = createLineJoiner('container', 1000);
  const lines = ['t1 stdout P one ', 't2 stderr F other', 't3 stdout P two ', 't4 stdout F three'];
  expect(push(joiner, lines)).toEqual(['17 t2 stderr F other', '0 t4 stdout F one two three']);
  expect(joiner?.openFrom).toBeUndefined();
});

test('parts of Docker lines are joined until one ends', () => {
  const line = (log: string): string => JSON.stringify({ log, stream: 'stdout', time: 't' });
  const records = push(createLineJoiner('container', 1000), [line('a'), line('b\n'), 'no entry', '{"log":1}']);
  expect(records.map((record) => record.replace(/^\d+ /, ''))).toEqual([line('ab\n'), 'no entry', '{"log":1}']);
});

test('what is never ended is bounded', () => {
  const joiner = createLineJoiner('container', 100);
  const records = push(
    joiner,
    Array.from({ length: 20 }, () => `t stdout P ${'x'.repeat(30)}`),
  );
  expect(records.length).toBe(9);
  expect(joiner?.flush().length).toBe(1);
});

test('lines of one audit event are joined, others are records of their own', () => {
  const part = (type: string, serial: number): string => `type=${type} msg=audit(1.2:${serial}): x`;
  const lines = [part('SYSCALL', 1), part('SYSCALL', 2), part('PATH', 1), part('USER_LOGIN', 3), part('EOE', 2), part('EOE', 1)];
  const records = push(createLineJoiner('auditd', 1000), lines).map((record) => record.replace(/^\d+ /, ''));
  expect(records).toEqual([lines[3], [lines[1], lines[4]].join('\n'), [lines[0], lines[2], lines[5]].join('\n')]);
});

test.each([
  ['app.log.1', true],
  ['app.log-20261121', true],
  ['app-20261121.log', true],
  ['app.log.old', true],
  ['app.log', false],
  ['app2.logs', false],
  ['application.log', false],
  ['app.log.tmp', false],
])('%s is a rotated name of app.log: %s', (name, expected) => {
  expect(isRotatedName(name, 'app.log')).toBe(expected);
});
