/** `tocsin rules backtest RULEFILE`: what a draft would have found on what is stored, day by day, and how that differs from the rule in force. */
import type { ErrorCode } from '@tocsin/core';
import type { BacktestProgress, BacktestReport } from '../../replay/backtest-report.ts';
import { ApiError } from '../api-client.ts';
import type { Command, CommandContext } from '../command.ts';
import { sayCount, sayMany } from '../figures.ts';
import { readRuleFiles } from '../read-rule-files.ts';
import { choiceOptions, readChoice } from '../replays/choice-options.ts';
import { printBacktest } from '../replays/print-backtest.ts';

/** Exit code of sysexits.h: a rule of the draft was refused. */
const EXIT_BAD_DATA = 65;

type Line =
  | { readonly progress: BacktestProgress }
  | { readonly report: BacktestReport }
  | { readonly error: { code: ErrorCode; message: string } };

export const rulesBacktest: Command = {
  name: 'rules backtest',
  argument: '<path...>',
  summary: 'try draft rules or correlations on stored events: hits per day, alerts, and the difference to the versions in force',
  options: choiceOptions,
  examples: [
    'tocsin rules backtest draft.yml --from 7d',
    'tocsin rules backtest draft.yml --from 2026-01-01 --to 2026-02-01 --time event --json',
  ],
  async run(context, paths, options) {
    const files = await readRuleFiles(paths);
    const report = await fetchReport(context, { ...readChoice(options, Date.now()), files });
    if (context.terminal.json) context.terminal.object(report);
    else printBacktest(context.terminal, report);
    return report.refused.length > 0 ? EXIT_BAD_DATA : 0;
  },
};

async function fetchReport({ terminal, api, interrupted }: CommandContext, body: object): Promise<BacktestReport> {
  const client = await api();
  const bar = terminal.progress('backtest');
  try {
    for await (const line of client.lines<Line>('/rules/backtest', { signal: interrupted, body })) {
      if ('report' in line) return line.report;
      if ('error' in line) throw new ApiError({ ...line.error, status: 200, retryAfterMs: 0, body: line });
      const { share, events, hits } = line.progress;
      bar.show(share, `${sayMany(events, 'event')}, ${sayCount(hits)} hits`);
    }
  } finally {
    bar.end();
  }
  throw new ApiError({
    code: 'api.unreachable',
    message: 'The backtest ended without a report: the installation has stopped. Try again.',
    status: 200,
    retryAfterMs: 0,
    body: undefined,
  });
}
