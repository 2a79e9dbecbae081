/** `tocsin rules cost`: what rules cost over given events, or in the running installation. */
import { type RuleCost } from '@tocsin/detect';
import type { CostReport } from '../../duties/detect-api.ts';
import { type Command, type CommandContext, type GivenOptions, listOption, numberOption } from '../command.ts';
import { sayCount, sayMany, saySpan, sayTime } from '../figures.ts';
import type { Column, Terminal } from '../terminal.ts';

export const rulesCost: Command = {
  name: 'rules cost',
  argument: '[events...]',
  summary: 'show what each rule costs: over the events of these files, or without any in the running installation',
  options: [
    { flags: '--rules <paths...>', about: 'rules to measure over files (default: the shipped rules)' },
    { flags: '-n, --limit <count>', about: 'how many rules to show, the costliest first (default: 20)' },
  ],
  examples: ['tocsin rules cost', 'tocsin rules cost events.ndjson.gz --rules ./sigma/rules'],
  async run(context, files, options) {
    const limit = numberOption(options, 'limit', { min: 1, max: 100_000 }) ?? DEFAULT_LIMIT;
    return files.length > 0 ? runOverFiles(context, files, { limit, options }) : askInstallation(context, limit);
  },
};

const DEFAULT_LIMIT = 20;

async function askInstallation({ terminal, api, interrupted }: CommandContext, limit: number): Promise<number> {
  const report = await (await api()).call<CostReport>('GET', '/rules/cost', { signal: interrupted });
  if (terminal.json) terminal.object({ ...report, rules: report.rules.slice(0, limit) });
  else if (report.rules.length === 0) terminal.line('No event has been judged by a rule yet.');
  else {
    printCosts(terminal, report.rules, { limit });
    terminal.note(`\nSince ${sayTime(report.sinceMs)}. ${NOTE}`);
  }
  return 0;
}

async function runOverFiles(
  { terminal, environment }: CommandContext,
  files: readonly string[],
  { limit, options }: { limit: number; options: GivenOptions },
): Promise<number> {
  const { measureRules } = await import('../rules/measure-rules.ts');
  const measured = await measureRules(files, { rules: listOption(options, 'rules'), stdin: environment.stdin });
  if (terminal.json) terminal.object({ ...measured, costs: measured.costs.slice(0, limit) });
  else {
    printCosts(terminal, measured.costs, { limit, events: measured.events });
    const share = measured.totalMs === 0 ? 0 : Math.round((1000 * measured.totalMs) / Math.max(1, measured.events));
    terminal.note(
      `\n${sayMany(measured.events, 'event')} by ${sayMany(measured.rules, 'rule')} in ${saySpan(measured.totalMs)}, ${share} µs each, decoding included. ${NOTE}`,
    );
  }
  return 0;
}

const NOTE = 'Times are estimates: one evaluation in 64 is timed.';

function printCosts(terminal: Terminal, costs: readonly RuleCost[], { limit, events }: { limit: number; events?: number }): void {
  const total = costs.reduce((sum, { timeMs }) => sum + timeMs, 0);
  const columns: Column<RuleCost>[] = [
    { title: 'RULE', value: (row) => row.title },
    { title: 'CANDIDATES', value: (row) => sayCount(row.candidates), right: true },
    ...(events === undefined ? [] : [{ title: 'OF EVENTS', value: (row: RuleCost) => percent(row.candidates, events), right: true }]),
    { title: 'MATCHES', value: (row) => sayCount(row.matches), right: true },
    { title: 'EACH', value: (row) => (row.sampled === 0 ? '-' : `${((1000 * row.timeMs) / row.candidates).toFixed(1)} µs`), right: true },
    { title: 'TIME', value: (row) => (row.sampled === 0 ? '-' : saySpan(row.timeMs)), right: true },
    { title: 'SHARE', value: (row) => percent(row.timeMs, total), right: true },
    { title: 'ID', value: (row) => row.ruleId },
  ];
  terminal.table(columns, costs.slice(0, limit));
  if (costs.length > limit) terminal.hint(`and ${sayMany(costs.length - limit, 'rule')} that cost less (--limit)`);
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`;
}
