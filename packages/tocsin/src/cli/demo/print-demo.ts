/** What the demo found, for people and for programs. */
import { foundRows } from '../alerts/alert-facts.ts';
import { sayCount, sayMany } from '../figures.ts';
import { printSummary, summaryObject } from '../playback/summary.ts';
import type { Column, Terminal } from '../terminal.ts';
import type { Difference } from './compare-alerts.ts';
import type { DemoOutcome } from './run-demo.ts';

const DIFFERENCES: readonly Column<Difference>[] = [
  { title: 'WHAT', value: (row) => row.kind, style: () => 'red' },
  { title: 'RULE', value: (row) => row.title },
  { title: 'ENTITY', value: (row) => row.entity },
  { title: 'EXPECTED', value: (row) => row.expected, right: true },
  { title: 'FOUND', value: (row) => row.found, right: true },
];

/** The table of alerts, the figures, and whatever differs from what the recordings must give. With JSON one object. */
export function printDemo(terminal: Terminal, outcome: DemoOutcome): void {
  if (terminal.json) {
    terminal.object({ ...summaryObject(outcome), differences: outcome.differences });
    return;
  }
  printSummary(terminal, { ...outcome, found: foundRows(outcome.alerts) });
  if (outcome.rejected > 0) terminal.line(terminal.style('red', `${sayMany(outcome.rejected, 'event')} rejected`));
  if (outcome.differences.length === 0) {
    terminal.line(
      terminal.style(
        'green',
        `Every alert that the recordings must give was found exactly once (${sayCount(outcome.alerts.length)} of ${sayCount(outcome.alerts.length)}).`,
      ),
    );
    return;
  }
  terminal.line(terminal.style('red', `${sayMany(outcome.differences.length, 'difference')} from what the recordings must give:`));
  terminal.table(DIFFERENCES, outcome.differences);
}
