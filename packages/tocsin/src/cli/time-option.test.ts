/** Times that people type. */
import { describe, expect, it } from 'vitest';
import { timeOption } from './time-option.ts';

const NOW = Date.UTC(2026, 0, 2, 12);

describe('timeOption', () => {
  it.each([
    ['2026-01-02', '2026-01-02T00:00:00.000Z'],
    ['2026-01-02T03:04', '2026-01-02T03:04:00.000Z'],
    ['2026-01-02 03:04:05', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02T03:04:05.678+01:00', '2026-01-02T02:04:05.678Z'],
    ['2h', '2026-01-02T10:00:00.000Z'],
    ['-2h', '2026-01-02T10:00:00.000Z'],
    ['90 s', '2026-01-02T11:58:30.000Z'],
    ['7d', '2025-12-26T12:00:00.000Z'],
    ['now', '2026-01-02T12:00:00.000Z'],
  ])('%s is %s', (given, want) => expect(timeOption({ from: given }, 'from', NOW)).toBe(want));

  it.each(['yesterday', '2026-13-01', '2026-01-02T25:00', '5', '', '1y', '999999999w'])('refuses %j', (given) => {
    expect(() => timeOption({ from: given }, 'from', NOW)).toThrow(/--from/);
  });

  it('is nothing where it is not given', () => expect(timeOption({}, 'from', NOW)).toBeUndefined());
});
