/** A backtest for people: a table of days with small bars, totals, and what only one of both versions finds. */
import type { BacktestDay, BacktestReport, BacktestRule, DiffAlert, DiffEvent } from '../../replay/backtest-report.ts';
import { sayCount, sayMany, saySpan, sayTime } from '../figures.ts';
import { noteRefused } from '../rule-reports.ts';
import type { Column, Terminal } from '../terminal.ts';
import { visible } from '../visible-text.ts';

const BAR_CHARACTERS = 20;
/** Eighths of a block, so that few hits are still seen beside many. */
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
/** Differences told for each rule. */
const MOST_TOLD = 5;
const LIVE_WORDS: Readonly<Record<BacktestRule['live'], string>> = {
  none: 'nothing in force has its id',
  same: 'the same is in force',
  other: 'another version is in force',
};

/** Prints all of it. */
export function printBacktest(terminal: Terminal, report: BacktestReport): void {
  noteRefused(terminal, report.refused);
  for (const rule of report.rules) printRule(terminal, rule);
  for (const { ruleId, events } of report.broken)
    terminal.note(`${visible(ruleId)} broke on ${sayMany(events, 'event')}. Please report it.`);
  const range =
    report.fromMs === undefined || report.toMs === undefined ? '' : `, received ${sayTime(report.fromMs)} to ${sayTime(report.toMs)}`;
  const copies = report.duplicates > 0 ? `, ${sayCount(report.duplicates)} ${report.duplicates === 1 ? 'copy' : 'copies'} left out` : '';
  terminal.line(`${sayMany(report.events, 'event')} judged in ${saySpan(report.tookMs)}${copies}${range}`);
  if (report.events === 0)
    terminal.hint('Nothing of what is stored is in that range. Ranges are of receipt; for times of the events add --time event');
}

function printRule(terminal: Terminal, rule: BacktestRule): void {
  const hits = rule.kind === 'correlation' ? 'hits of the rules it counts' : 'hits';
  terminal.line(
    `${terminal.style('bold', visible(rule.title))}  ${terminal.style('dim', `${visible(rule.id)} · ${LIVE_WORDS[rule.live]}`)}`,
  );
  if (rule.dormant !== undefined) terminal.line(terminal.style('yellow', `It cannot find anything: ${visible(rule.dormant)}`));
  if (rule.days.length > 0) terminal.table(columnsOf(terminal, rule), rule.days);
  const { draft, live } = rule.found;
  terminal.line(`draft  ${sayCount(draft.hits)} ${hits}, ${sayMany(draft.alerts, 'alert')}`);
  if (rule.live !== 'none') {
    terminal.line(`live   ${sayCount(live.hits)} ${hits}, ${sayMany(live.alerts, 'alert')}`);
    printDiff(terminal, rule);
  }
  terminal.line();
}

function columnsOf(terminal: Terminal, { days, live }: BacktestRule): Column<BacktestDay>[] {
  const most = Math.max(1, ...days.map((day) => Math.max(day.draft.hits, day.live.hits)));
  const inForce: Column<BacktestDay>[] = [
    { title: 'LIVE HITS', value: (day) => sayCount(day.live.hits), right: true },
    { title: 'LIVE ALERTS', value: (day) => sayCount(day.live.alerts), right: true },
  ];
  const bar: Column<BacktestDay> = { title: '', value: (day) => drawBar(day.draft.hits / most), style: () => 'cyan', least: 8 };
  return [
    { title: 'DAY', value: (day) => day.day, least: 10 },
    { title: 'HITS', value: (day) => sayCount(day.draft.hits), right: true },
    { title: 'ALERTS', value: (day) => sayCount(day.draft.alerts), right: true },
    ...(live === 'none' ? [] : inForce),
    ...(terminal.interactive ? [bar] : []),
  ];
}

/** The share of the largest day; what is not nothing is seen. */
function drawBar(share: number): string {
  const eighths = share > 0 ? Math.max(1, Math.round(share * BAR_CHARACTERS * 8)) : 0;
  return `${'█'.repeat(Math.floor(eighths / 8))}${EIGHTHS[eighths % 8] ?? ''}`;
}

function printDiff(terminal: Terminal, { hits, alerts }: BacktestRule): void {
  const say = (name: string, diff: { both: number; onlyDraft: number; onlyLive: number; isClipped: boolean }, more = ''): void =>
    terminal.line(
      `${name} ${sayCount(diff.both)} in both${more}, ${terminal.style('green', `${sayCount(diff.onlyDraft)} only in the draft`)}, ${terminal.style('red', `${sayCount(diff.onlyLive)} only live`)}${diff.isClipped ? ', of those that could be compared' : ''}`,
    );
  say('hits  ', hits);
  say('alerts', alerts, alerts.changed > 0 ? ` (${sayCount(alerts.changed)} with other counts)` : '');
  for (const alert of alerts.examples.slice(0, MOST_TOLD)) terminal.line(`  ${sayAlert(terminal, alert)}`);
  for (const event of alerts.examples.length > 0 ? [] : hits.examples.slice(0, MOST_TOLD)) terminal.line(`  ${sayEvent(event)}`);
}

function sayAlert(terminal: Terminal, { id, groupBy, firstMs, draftCount, liveCount }: DiffAlert): string {
  const mark = liveCount === 0 ? terminal.style('green', '+') : draftCount === 0 ? terminal.style('red', '-') : '~';
  const group = Object.entries(groupBy).map(([name, value]) => `${name} = ${value}`);
  return `${mark} alert ${id.slice(0, 8)}  ${sayTime(firstMs)}  ${visible(group.join(', '))}  ${draftCount} / ${liveCount} events`;
}

function sayEvent({ source, eventId, timeMs }: DiffEvent): string {
  return `event ${visible(eventId)} of ${visible(source)}  ${sayTime(timeMs)}`;
}
