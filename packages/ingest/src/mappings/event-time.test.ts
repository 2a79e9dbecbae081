import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readIsoTime, readSyslogTime, readTime } from './event-time.ts';

const at = (text: string): number => Date.parse(text);

test.each([
  ['2020-09-22T02:14:13.517Z', '2020-09-22T02:14:13.517Z'],
  ['2020-09-21 22:14:12', '2020-09-21T22:14:12Z'],
  ['2020-09-21 22:14:12.3', '2020-09-21T22:14:12.300Z'],
  ['2018-03-24T17:15:20.613421Z', '2018-03-24T17:15:20.613Z'],
  ['2022-02-18T17:39:28.127636+00:00', '2022-02-18T17:39:28.127Z'],
  ['2018-03-24T08:59:37-0730', '2018-03-24T16:29:37Z'],
  ['2018-03-24T08:59+02', '2018-03-24T06:59:00Z'],
  ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00Z'],
])('ISO %s', (text, wanted) => {
  expect(readIsoTime(text)).toBe(at(wanted));
});

test.each([
  '',
  '2020',
  '2020-13-01T00:00:00Z',
  '2021-02-29T00:00:00Z',
  '2020-01-01T24:00:00Z',
  '2020-01-01T00:00:00Zx',
  '2020-01-01T00:00:00+1',
  '2020-01-01T00:00:00.Z',
  '１０２０-01-01T00:00:00Z',
  '0000-01-01T00:00:00Z',
])('%j is no ISO time', (text) => {
  expect(readIsoTime(text)).toBeUndefined();
});

test.each([
  ['Mar 27 13:06:56', '2017-04-01T00:00:00Z', '2017-03-27T13:06:56Z'],
  ['Feb  9 21:20:08', '2017-02-09T21:20:09Z', '2017-02-09T21:20:08Z'],
  ['Dec 31 23:59:59', '2024-01-01T00:00:10Z', '2023-12-31T23:59:59Z'],
  ['Jan  1 00:00:05', '2023-12-31T23:59:58Z', '2024-01-01T00:00:05Z'],
  ['Feb 29 12:00:00', '2024-03-01T00:00:00Z', '2024-02-29T12:00:00Z'],
  ['Feb 29 12:00:00', '2026-11-21T00:00:00Z', '2024-02-29T12:00:00Z'],
  ['Feb 29 12:00:00', '2103-11-21T00:00:00Z', '2096-02-29T12:00:00Z'],
  ['Apr  2 00:00:00', '2017-04-01T12:00:00Z', '2017-04-02T00:00:00Z'],
  ['Apr  3 00:00:00', '2017-04-01T12:00:00Z', '2016-04-03T00:00:00Z'],
])('%s received at %s is %s', (text, received, wanted) => {
  expect(readSyslogTime(text, at(received))).toBe(at(wanted));
});

test.each(['Feb 30 00:00:00', 'mar 27 13:06:56', 'Mar 27 13:06:5', 'Mar 27 13:06:56 ', 'Mar  0 13:06:56', 'Mar 27 25:06:56'])(
  '%j is no syslog time',
  (text) => {
    expect(readSyslogTime(text, at('2024-04-01T00:00:00Z'))).toBeUndefined();
  },
);

test.each([
  [1_588_205_199.82437, 1_588_205_199_824],
  [1_588_205_199_824, 1_588_205_199_824],
  [1_588_205_199_824_370, 1_588_205_199_824],
  ['1588205199.82437', 1_588_205_199_824],
  ['1588205199', 1_588_205_199_000],
])('epoch %s', (value, wanted) => {
  expect(readTime(value, 'any', 0)).toBe(wanted);
});

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 1e30, true, null, {}, [], 'yesterday', '1e9', '0x10', ' 1588205199'])(
  '%s is no time',
  (value) => {
    expect(readTime(value, 'any', 0)).toBeUndefined();
  },
);

test('a named unit is believed', () => {
  expect(readTime(5000, 'epoch_ms', 0)).toBe(5000);
  expect(readTime(5000, 'epoch_s', 0)).toBe(5_000_000);
  expect(readTime(5000, 'iso', 0)).toBeUndefined();
});

test('every time that Date writes is read back', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }), (date) => {
      expect(readTime(date.toISOString(), 'any', 0)).toBe(date.getTime());
    }),
  );
});

test('a syslog time is never more than a day after receipt, and is what was written', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date('2000-01-01'), max: new Date('2099-01-01'), noInvalidDate: true }),
      fc.integer({ min: -86_400_000, max: 300 * 86_400_000 }),
      (written, age) => {
        const [, day, month, , clock] = written.toUTCString().split(/,? /);
        const text = `${month} ${String(Number(day)).padStart(2, ' ')} ${clock}`;
        const received = written.getTime() + age;
        const read = readSyslogTime(text, received);
        expect(read).toBe(Math.floor(written.getTime() / 1000) * 1000);
      },
    ),
  );
});

test('arbitrary text gives a time or nothing', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer(), (text, received) => {
      expect(readTime(text, 'any', received) ?? 0).toBeTypeOf('number');
    }),
  );
});
