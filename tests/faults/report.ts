/** The result of the full fault run as a page of Markdown, and in one object. */
import { type Conditions, conditionsLine } from '../conditions.ts';
import { markdownTable } from '../markdown-table.ts';
import type { Failures } from './checker.ts';
import { type FaultName, faultKinds } from './fault-kinds.ts';
import type { FaultResult } from './scenario.ts';

/** A mutant's run: what gave it away, undefined when nothing did. */
export type MutantResult = { readonly name: string; readonly seenBy: string | undefined };

/** All rounds in one: counts over the whole run. */
export type FaultSummary = {
  readonly seed: number;
  readonly attempted: number;
  readonly acked: number;
  readonly lost: number;
  /** Copies in the log beyond the first, which the dedup fold leaves out. */
  readonly duplicated: number;
  readonly unexpected: number;
  readonly reordered: number;
  readonly alertsExpected: number;
  readonly alertsMissing: number;
  readonly alertsExtra: number;
  readonly faults: Readonly<Partial<Record<FaultName, number>>>;
};

/** Everything the command found. */
export type FaultReport = Conditions & {
  readonly command: string;
  readonly seed: number;
  readonly isSound: boolean;
  readonly summary: FaultSummary;
  readonly rounds: readonly FaultResult[];
  /** Faults that the machine does not allow, with the reason. */
  readonly missing: readonly string[];
  readonly mutants: readonly MutantResult[];
};

/** Adds the rounds up. */
export function summaryOf(rounds: readonly FaultResult[], seed: number): FaultSummary {
  const sum = (count: (round: FaultResult) => number): number => rounds.reduce((total, round) => total + count(round), 0);
  const failed = (name: keyof Failures): number => sum((round) => round.verdict.failures[name]);
  return {
    seed,
    attempted: sum((round) => round.attempted),
    acked: sum((round) => round.acked),
    lost: failed('lost'),
    duplicated: sum((round) => round.verdict.copies),
    unexpected: failed('unexpected'),
    reordered: failed('reordered'),
    alertsExpected: sum((round) => round.expectedAlerts),
    alertsMissing: failed('alertsMissing'),
    alertsExtra: failed('alertsUnexpected') + failed('alertsTwice'),
    faults: Object.fromEntries(
      (Object.keys(faultKinds) as FaultName[])
        .map((name) => [name, sum((round) => round.faults.filter(({ what }) => what === name).length)] as const)
        .filter(([, count]) => count > 0),
    ),
  };
}

/** The page. */
export function faultReport(report: FaultReport): string {
  const { rounds, summary, missing } = report;
  const examples = rounds.flatMap((round) => round.verdict.examples);
  const sections = [
    '# Faults under load',
    `Written by \`${report.command}\`. ${conditionsLine(report)}`,
    `The built program as a child process, with \`sync_interval: always\`; ${rounds[0]?.sources} producers with ids of their own, one post in flight each, posting again when unsure; ground truth read over raw NATS with a decoder of its own. A power loss throws away what was not fsynced (ext4 on a loop device, shut down without flushing).`,
    `**${report.isSound ? 'Sound: nothing lost, doubled, reordered or unexpected, and every mutant was seen.' : 'Not sound: see below.'}**`,
    '## In all',
    markdownTable([{ ...summary, faults: rounds.reduce((count, round) => count + round.faults.length, 0) }]),
    markdownTable(Object.entries(summary.faults).map(([fault, count]) => ({ fault, count }))),
    ...(missing.length > 0 ? [`Left out on this machine: ${missing.join('; ')}.`] : []),
    `Posts sent again, by reason: ${unsureOf(rounds)}.`,
    '## By round',
    'Each round has an installation of its own. Failures must be 0; copies are transport duplicates, which the dedup fold leaves out.',
    markdownTable(rounds.map(figuresOf)),
  ];
  if (report.mutants.length > 0) {
    sections.push('## Mutants', 'Copies of the built program with one promise broken, in the quick run. Each must fail.');
    sections.push(
      markdownTable(
        report.mutants.map(({ name, seenBy }) => ({ mutant: name, seen: seenBy === undefined ? '**no**' : 'yes', by: seenBy })),
      ),
    );
  }
  if (examples.length > 0) sections.push('## What went wrong', examples.map((line) => `- ${line}`).join('\n'));
  return `${sections.join('\n\n')}\n`;
}

function unsureOf(rounds: readonly FaultResult[]): string {
  const counts = new Map<string, number>();
  for (const { unsure } of rounds) for (const [why, count] of Object.entries(unsure)) counts.set(why, (counts.get(why) ?? 0) + count);
  return [...counts].map(([why, count]) => `${why} ${count}`).join(', ');
}

function figuresOf({ seed, acked, faults, seconds, expectedAlerts, verdict }: FaultResult): Record<string, unknown> {
  const failures = Object.values(verdict.failures).reduce((sum, count) => sum + count, 0);
  return { seed, acked, faults: faults.length, seconds, expectedAlerts, alerts: verdict.alertIds.length, copies: verdict.copies, failures };
}
