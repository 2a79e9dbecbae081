import { expect, test } from 'vitest';
import type { FoundAlert } from '../alerts/alert-facts.ts';
import { shippedFolder } from '../shipped-folder.ts';
import { compareAlerts, type ExpectedAlert } from './compare-alerts.ts';
import { createTimeReader } from './event-time.ts';
import { readRecordings } from './recording.ts';
import { spreadOverSlots } from './timeline.ts';

const plain: ExpectedAlert = { rule: 'r1', title: 'One', technique: 'T1', host: 'h', user: null, entity: 'h', count: 3, alerts: 1 };
const burst: ExpectedAlert = { ...plain, rule: 'r2', title: 'Burst', count: 10, alerts: 2 };
const found = (expected: ExpectedAlert, changes: Partial<FoundAlert> = {}): FoundAlert => ({
  ...expected,
  severity: 4,
  id: 'x',
  ...changes,
});
const isCorrelation = (rule: string): boolean => rule === 'r2';
const kinds = (list: readonly FoundAlert[]): string[] =>
  compareAlerts([plain, burst], list, isCorrelation).map(({ kind, rule }) => `${rule} ${kind}`);

test('every expected alert found exactly once is no difference', () => {
  expect(kinds([found(plain), found(burst, { count: 12 })])).toEqual([]);
});

test.each([
  ['missing', [found(burst)], ['r1 missing']],
  ['found twice', [found(plain, { alerts: 2 }), found(burst)], ['r1 other number of alerts']],
  ['one window too few', [found(plain), found(burst, { alerts: 1 })], ['r2 other number of alerts']],
  ['events left out', [found(plain, { count: 2 }), found(burst)], ['r1 other count']],
  ['about another entity', [found(plain, { entity: 'other' }), found(burst)], ['r1 missing', 'r1 unexpected']],
] as const)('%s is told', (_, list, differences) => {
  expect(kinds(list)).toEqual(differences);
});

test('spacing is kept in proportion and long silences are cut', () => {
  const minute = 60_000;
  expect(spreadOverSlots([0, minute, 500 * minute, 500 * minute, 501 * minute], { slots: 30, maxGapMs: minute })).toEqual([
    0, 10, 20, 20, 29,
  ]);
});

test('events without time, or out of order, come with the one before', () => {
  expect(spreadOverSlots([0, undefined, 100, 50, 100, 200], { slots: 20, maxGapMs: 1000 })).toEqual([0, 0, 10, 10, 10, 19]);
});

test('a recording without any time is played evenly', () => {
  expect(spreadOverSlots([undefined, undefined, undefined, undefined], { slots: 8, maxGapMs: 1 })).toEqual([0, 2, 4, 6]);
});

test.each([
  ['linux-auth', 'Mar 27 13:06:56 ip sshd[1]: x', '2017-03-27T13:06:56Z'],
  ['linux-auth', 'Apr  2 03:00:00 ip sshd[1]: x', '2017-04-02T03:00:00Z'],
  ['windows-json', '{"@timestamp":"2020-07-22T03:27:53.548Z","EventTime":"x"}', '2020-07-22T03:27:53.548Z'],
  ['windows-json', '{"EventTime":"2020-07-21 23:27:53"}', '2020-07-21T23:27:53Z'],
  ['cloudtrail', '{"eventTime":"2023-07-10T11:42:18Z"}', '2023-07-10T11:42:18Z'],
])('time of a %s record', (format, line, time) => {
  expect(createTimeReader(format, 2017)(line)).toBe(Date.parse(time));
});

test('the shipped recordings can be played', async () => {
  const recordings = await readRecordings(shippedFolder('examples/attacks'));
  expect(recordings.map(({ name, events }) => [name, events])).toEqual([
    ['cloudtrail', 2900],
    ['ssh', 7121],
    ['windows', 2982],
  ]);
  for (const { batches, events, expected } of recordings) {
    expect(batches.reduce((sum, batch) => sum + batch.records, 0)).toBe(events);
    expect(batches.map((batch) => batch.due)).toEqual(batches.map((batch) => batch.due).sort((a, b) => a - b));
    expect(expected.length).toBeGreaterThan(0);
  }
});

test('a folder without recordings is refused by name', async () => {
  await expect(readRecordings('/nowhere')).rejects.toMatchObject({ code: 'cli.bad_demo' });
});
