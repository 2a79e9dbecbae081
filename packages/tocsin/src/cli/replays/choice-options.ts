/** Options that say which part of the log a replay or backtest is for. */
import { type Command, choiceOption, type GivenOptions, listOption, textOption } from '../command.ts';
import { timeOption } from '../time-option.ts';

/** They are the same wherever they are taken. */
export const choiceOptions: NonNullable<Command['options']> = [
  { flags: '--from <time>', about: 'events from then on: a time, a date, or how long ago such as 2h or 7d (default: the oldest kept)' },
  { flags: '--to <time>', about: 'events before then (default: now)' },
  {
    flags: '--time <which>',
    about: 'whether --from and --to are times of receipt (received) or of the events (event) (default: received)',
  },
  { flags: '--source <names...>', about: 'only of these sources' },
  { flags: '--where <conditions...>', about: 'only events with FIELD=VALUE or FIELD|MODIFIER=VALUE, as in a Sigma rule; all must hold' },
  { flags: '--lane <lane>', about: 'only live or bulk' },
  { flags: '--subject <filter>', about: 'only frames on these subjects, such as tocsin.events.live.3.>' },
  { flags: '--from-position <position>', about: 'from this position on, in its lane alone' },
  { flags: '--to-position <position>', about: 'up to this position' },
  { flags: '--tenant <name>', about: 'of another tenant than your own (operators)' },
];

/** What they say, as the API takes it. @throws cli.bad_option */
export function readChoice(options: GivenOptions, nowMs: number): Readonly<Record<string, unknown>> {
  const lane = choiceOption(textOption(options, 'lane'), '--lane', ['live', 'bulk']);
  const sources = listOption(options, 'source');
  const where = listOption(options, 'where');
  return {
    from: timeOption(options, 'from', nowMs),
    to: timeOption(options, 'to', nowMs),
    time: choiceOption(textOption(options, 'time'), '--time', ['received', 'event']),
    ...(sources.length > 0 ? { sources } : {}),
    ...(where.length > 0 ? { where } : {}),
    ...(lane === undefined ? {} : { lanes: [lane] }),
    subject: textOption(options, 'subject'),
    fromPosition: textOption(options, 'fromPosition'),
    toPosition: textOption(options, 'toPosition'),
    tenant: textOption(options, 'tenant'),
  };
}
