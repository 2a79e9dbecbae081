/** Times as people type them: a date, a date with a time (UTC where no zone is given), or how long ago. */
import { TocsinError } from '@tocsin/core';
import { type GivenOptions, textOption } from './command.ts';

const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, min: 60_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** An option's time, ISO 8601 in UTC; undefined where it is not given. @throws cli.bad_option */
export function timeOption(options: GivenOptions, name: string, nowMs: number): string | undefined {
  const given = textOption(options, name);
  if (given === undefined) return undefined;
  const ms = readAgo(given, nowMs) ?? readDate(given);
  if (ms !== undefined && !Number.isNaN(ms) && Math.abs(ms) <= 8.64e15) return new Date(ms).toISOString();
  throw new TocsinError('cli.bad_option', {
    option: `--${name}`,
    given,
    wants: 'a time such as 2026-01-02T03:04:05Z, a date, or how long ago: 15m, 2h, 7d',
  });
}

function readAgo(text: string, nowMs: number): number | undefined {
  if (text === 'now') return nowMs;
  const [, count, unit] = /^-?(\d{1,9})\s?(s|min|m|h|d|w)$/.exec(text) ?? [];
  const unitMs = unit === undefined ? undefined : UNITS_MS[unit];
  return count === undefined || unitMs === undefined ? undefined : nowMs - Number(count) * unitMs;
}

function readDate(text: string): number | undefined {
  const [, day, time = '', zone = ''] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:?\d\d)?)?$/.exec(text) ?? [];
  return day === undefined ? undefined : Date.parse(time === '' ? `${day}T00:00:00Z` : `${day}T${time}${zone === '' ? 'Z' : zone}`);
}
