/** A time as people give it: a date in ISO 8601, or how long ago, such as `2h`. */
import { TocsinError } from '@tocsin/core';
import { parseDuration } from '@tocsin/core/setting';
import { type GivenOptions, textOption } from './command.ts';

/** The time in milliseconds since 1970; undefined where the option is not given. A date without a time zone is one of UTC. @throws cli.bad_option */
export function timeOption(options: GivenOptions, name: string, nowMs: number): number | undefined {
  const given = textOption(options, name);
  if (given === undefined) return undefined;
  const agoMs = parseDuration(given);
  if (agoMs !== undefined) return Math.round(nowMs - agoMs);
  const isBare = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?$/.test(given);
  const timeMs = /^\d{4}-\d\d-\d\d/.test(given) ? Date.parse(isBare ? `${given}Z` : given) : Number.NaN;
  if (!Number.isNaN(timeMs)) return timeMs;
  throw new TocsinError('cli.bad_option', {
    option: `--${name}`,
    given,
    wants: 'a time such as 2026-01-31T12:00:00Z, or how long ago, such as 2h',
  });
}
