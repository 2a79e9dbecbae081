/** The result of the full fault run as a page of Markdown. */
import { type Conditions, conditionsLine } from '../conditions.ts';
import { markdownTable } from '../markdown-table.ts';
import type { FaultResult } from './scenario.ts';

/** A mutant's run: what gave it away, undefined when nothing did. */
export type MutantResult = { readonly name: string; readonly seenBy: string | undefined };

/** Everything the command found. */
export type FaultReport = Conditions & { readonly isSound: boolean; readonly full: FaultResult; readonly mutants: readonly MutantResult[] };

/** The page. */
export function faultReport(report: FaultReport): string {
  const { full } = report;
  const sections = [
    '# Faults: kill -9 of nats-server and of Tocsin under load',
    `Written by \`npm run faults -- --seed ${full.seed} --report docs/reports/faults\`. ${conditionsLine(report)}`,
    `The built program as a child process, with \`sync_interval: always\`; ${full.sources} producers with ids of their own, one post in flight each, posting again when unsure; ground truth read over raw NATS with a decoder of its own. What is not covered: power cuts.`,
    `**${report.isSound ? 'Sound: nothing lost, doubled, reordered or unexpected, and every mutant was seen.' : 'Not sound: see below.'}**`,
    '## The run',
    markdownTable([figuresOf(full)]),
    `Posts sent again, by reason: ${Object.entries(full.unsure)
      .map(([why, count]) => `${why} ${count}`)
      .join(', ')}.`,
    'Failures (each must be 0; “copies” above are transport duplicates, which the dedup fold leaves out):',
    markdownTable([full.verdict.failures]),
    '## Mutants',
    'Copies of the built program with one promise broken, in the quick run. Each must fail.',
    markdownTable(report.mutants.map(({ name, seenBy }) => ({ mutant: name, seen: seenBy === undefined ? '**no**' : 'yes', by: seenBy }))),
  ];
  if (full.verdict.examples.length > 0) sections.push('## What went wrong', full.verdict.examples.map((line) => `- ${line}`).join('\n'));
  return `${sections.join('\n\n')}\n`;
}

function figuresOf(result: FaultResult): Record<string, unknown> {
  const { seed, events, attempted, acked, busKills, tocsinKills, bothKills, seconds, expectedAlerts, verdict } = result;
  return {
    seed,
    events,
    attempted,
    acked,
    busKills,
    tocsinKills,
    bothKills,
    seconds,
    expectedAlerts,
    alerts: verdict.alertIds.length,
    copies: verdict.copies,
  };
}
