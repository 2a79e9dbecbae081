/** An end-to-end run as a page of Markdown. */
import { markdownTable } from '../../tests/markdown-table.ts';
import type { Conditions } from '../machine.ts';
import type { RunResult } from './run.ts';
import { broken, type Summary, summaryOf } from './summary.ts';

/** A run with where and how it was made. */
export type EndToEndReport = RunResult & {
  readonly command: string;
  readonly conditions: Conditions;
  readonly summary: Summary;
  readonly broken: readonly string[];
};

/** Goals, shown beside what was reached and never asserted. */
const GOALS: Readonly<Partial<Record<keyof Summary, string>>> = {
  sustainedPerSecond: '≥ 50,000; 80,000 aimed at',
  rssMaxMiB: '≤ 512',
  rssSlopeMiBPerMinute: 'flat',
};
/** Rows of the series that the page shows. */
const SERIES_ROWS = 20;

/** Puts the report together. */
export function reportOf(result: RunResult, about: Pick<EndToEndReport, 'command' | 'conditions'>): EndToEndReport {
  return { ...about, ...result, summary: summaryOf(result), broken: broken(result) };
}

/** The page. */
export function endToEndPage(report: EndToEndReport): string {
  const { conditions, lane, rules, options, log, hold, summary } = report;
  const about = [
    `Written by \`${report.command}\`. ${Object.entries(conditions)
      .map(([name, value]) => `${name.replaceAll('_', ' ')} ${value}`)
      .join(', ')}.`,
    `The whole product in one installation, all duties: every SigmaHQ rule and the 20 correlations of the race (${rules?.loaded} rules loaded, ${rules?.refused} refused), alert table, durable bus with an fsync before every acknowledgement. ` +
      `Lane: ${lane.name}, ${lane.bytesPerEvent} bytes per event on average (${lane.leftOut} records whose own id has no room for a number are left out), stamped with the time of sending; ${options.sources} sources, 500 events a request, open loop, seed ${options.seed}. The load generator runs on the same cores.`,
    report.broken.length === 0
      ? '**Every promise was kept: nothing lost by count or by hash, every planted event has its one alert, no reader was behind at the end.**'
      : `**Not kept:** ${report.broken.join('; ')}.`,
  ];
  return `${[
    '# End to end',
    ...about,
    '## Figures',
    markdownTable(Object.entries(summary).map(([figure, value]) => ({ figure, value, goal: GOALS[figure as keyof Summary] ?? '' }))),
    '## What the log holds',
    'Read back over a raw NATS connection by a decoder that shares no code with the packages; each event compared byte by byte with what was sent.',
    markdownTable([Object.fromEntries(Object.entries(log).filter(([name]) => name !== 'examples' && name !== 'streams'))]),
    ...(log.examples.length > 0 ? [log.examples.map((one) => `- ${one}`).join('\n')] : []),
    'What was written to it, and what is kept of it:',
    markdownTable([...log.streams]),
    '## Processor',
    `Share of one core while the rate was held (${summary.productCpuPercent} % in all, the generator ${summary.generatorCpuPercent} % beside it; ${hold.stolenPercent} % taken by the host).`,
    markdownTable(
      hold.shares.map(({ who, percent }) => ({
        'process / thread': who,
        'percent of a core': percent,
        'µs per event': perEvent(percent, summary),
      })),
    ),
    '## Over time',
    markdownTable(seriesOf(report)),
    '## How the rate was found',
    markdownTable(report.steps.map(({ offered, keptUp, why }) => ({ offered, 'kept up': keptUp ? 'yes' : 'no', why }))),
  ].join('\n\n')}\n`;
}

function perEvent(percent: number, { sustainedPerSecond }: Summary): number {
  return Math.round((percent / 100 / sustainedPerSecond) * 1e7) / 10;
}

function seriesOf({ hold }: EndToEndReport): Record<string, unknown>[] {
  const every = Math.max(1, Math.ceil(hold.seconds.length / SERIES_ROWS));
  const rows: Record<string, unknown>[] = [];
  for (let from = 0; from < hold.seconds.length; from += every) {
    const part = hold.seconds.slice(from, from + every);
    const until = from + part.length;
    const { rssMiB, byProgram } = hold.memory[until - 1] ?? { rssMiB: 0, byProgram: {} };
    const behind = hold.behind.filter(({ atS }) => atS > from && atS <= until).map(({ ageMs }) => ageMs);
    rows.push({
      second: until,
      'events/s': Math.round(part.reduce((sum, { accepted }) => sum + accepted, 0) / part.length),
      'behind, ms': behind.length === 0 ? undefined : Math.max(...behind),
      'memory, MiB': rssMiB,
      'by program': Object.entries(byProgram)
        .map(([name, mib]) => `${name} ${mib}`)
        .join(', '),
    });
  }
  return rows;
}
