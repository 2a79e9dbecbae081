/** The spike's result as a page of Markdown. */
import { type Conditions, conditionsLine } from '../conditions.ts';
import { markdownTable } from '../markdown-table.ts';
import type { Figure, SyncFigure } from './measure.ts';
import type { FaultResult } from './scenario.ts';

/** Everything one run of the command found. */
export type SpikeResult = Conditions & {
  readonly seed: number;
  readonly kills: number;
  readonly isSound: boolean;
  readonly faults: readonly FaultResult[];
  readonly figures: readonly Figure[];
  readonly syncs: readonly SyncFigure[];
};

/** Sections without rows are left out. */
export function spikeReport(result: SpikeResult): string {
  const syncs = result.syncs.filter((row) => row !== null);
  const sections = [
    '# Spike: durable group commit, ordered owner, kill -9',
    `Written by \`npm run spike -- --seed ${result.seed} --report docs/reports/spike\`. ${conditionsLine(result)}`,
    `One nats-server with \`sync_interval: always\`, writer, reader and driver, all on the same cores.`,
    `**${result.isSound ? 'Sound: nothing lost, doubled or unexpected.' : 'Not sound: see the counts below.'}**`,
    '## Faults',
    `${result.kills} × kill -9 of nats-server and ${result.kills} of writer or reader per row, 2,000 events/s offered; alerts compared with a run without faults.`,
    markdownTable(result.faults.map(({ failures, ...counts }) => ({ ...counts, ...failures }))),
  ];
  if (result.figures.length > 0) {
    sections.push('## Figures without faults', '`batchFrom`: cycles of fewer frames go as pipelined plain publishes.');
    sections.push(markdownTable(result.figures));
  }
  if (syncs.length > 0) sections.push('## fsyncs under strace (alerts and checkpoints included)', markdownTable(syncs));
  return `${sections.join('\n\n')}\n`;
}
