/** Error rows of the area `replay.*`: playing the log again, and trying drafts of rules on what is stored. */
import type { ErrorTable } from './error-row.ts';

export const replayErrors = {
  'replay.bad_range': {
    retry: 'never', http: 422, exit: 65,
    about: 'The range of a replay or backtest cannot be read, or holds nothing by what it says.',
    say: (d: { reason: string }) => `The range is refused: ${d.reason}. Nothing was started. Correct it and try again.`,
  },
  'replay.bad_filter': {
    retry: 'never', http: 422, exit: 65,
    about: 'A condition on fields is none that Sigma has.',
    say: (d: { condition: string; reason: string }) =>
      `The condition ${d.condition} is refused: ${d.reason}. Nothing was started. Write FIELD=VALUE or FIELD|MODIFIER=VALUE, as in a Sigma rule.`,
  },
  'replay.no_rules': {
    retry: 'never', http: 422, exit: 65,
    about: 'None of the rules that were given can be used.',
    say: (d: { refused: number; reason: string }) =>
      `None of the rules given can be used; ${d.refused} ${d.refused === 1 ? 'was' : 'were'} refused, the first because ${d.reason}. Nothing was started. Look at them with: tocsin rules check`,
  },
  'replay.too_many': {
    retry: 'never', http: 409, exit: 75,
    about: 'A tenant keeps as many replays as he may.',
    say: (d: { kept: number; most: number }) =>
      `${d.kept} replays are kept and there may be ${d.most}. This one was not started. Remove one with: tocsin replay remove ID`,
  },
  'replay.no_room': {
    retry: 'never', http: 409, exit: 75,
    about: 'Replays together have written so much that another one would not fit.',
    say: (d: { bytes: number; maxBytes: number }) =>
      `Replays hold ${d.bytes} of ${d.maxBytes} bytes, and another one may not fit. It was not started. Remove one with tocsin replay remove ID, or raise replays.maxBytes.`,
  },
  'replay.full': {
    retry: 'never', http: 507, exit: 75,
    about: 'A replay has written as much as it may.',
    say: (d: { bytes: number; maxBytes: number }) =>
      `The replay has written ${d.bytes} bytes and may write ${d.maxBytes}. It ended there; what it has found stays. Choose less of the log, fewer rules, or raise replays.runMaxBytes.`,
  },
  'replay.not_running': {
    retry: 'never', http: 409, exit: 65,
    about: 'A replay was to be stopped that has ended.',
    say: (d: { id: string; phase: string }) => `Replay ${d.id} is ${d.phase} already. Nothing was done.`,
  },
  'replay.running': {
    retry: 'never', http: 409, exit: 65,
    about: 'A replay was to be resumed or removed that runs or waits.',
    say: (d: { id: string; phase: string }) => `Replay ${d.id} is ${d.phase}. Nothing was done. Stop it first with: tocsin replay stop ${d.id}`,
  },
  'replay.broken': {
    retry: 'never', http: 500, exit: 70,
    about: 'A replay ended again and again without getting on.',
    say: (d: { id: string; reason: string }) =>
      `Replay ${d.id} was given up: ${d.reason}. What it has found by then stays, and nothing else is concerned. Look at the log, then try tocsin replay resume ${d.id}`,
  },
  'replay.too_long': {
    retry: 'never', http: 504, exit: 75,
    about: 'A backtest took longer than it may.',
    say: (d: { withinMs: number }) =>
      `The backtest did not end within ${d.withinMs} ms and was ended. Choose less of the log with --from and --to, or raise replays.backtestWithin.`,
  },
  'replay.busy': {
    retry: 'later', http: 429, exit: 75,
    about: 'As many backtests run as may at once.',
    say: (d: { most: number }) => `${d.most} backtests run already. This one was not started. Try again when one of them has ended.`,
  },
} satisfies ErrorTable;
