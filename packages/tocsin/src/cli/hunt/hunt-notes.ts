/** What went wrong in a hunt without ending it, told beside the result: never silently, never at length. */
import type { HuntTally } from '../../hunt/hunt-tally.ts';
import type { RefusedHuntRule } from '../../hunt/load-rules.ts';
import { sayMany } from '../figures.ts';
import type { Terminal } from '../terminal.ts';
import { visible } from '../visible-text.ts';

const MOST_TOLD = 5;

/** Rules that were left out, the first of them with place and reason. */
export function noteRefusedRules(terminal: Terminal, refused: readonly RefusedHuntRule[]): void {
  tell(
    terminal,
    `${sayMany(refused.length, 'rule')} left out`,
    refused.map(({ file, line, reason }) => `${file}:${line}: ${reason}`),
    refused.length,
  );
}

/** Files and records that could not be read, the first of them with place and reason. */
export function noteUnread(terminal: Terminal, { failedFiles, unread, unparsed, ruleErrors }: HuntTally): void {
  tell(
    terminal,
    `${sayMany(ruleErrors.size, 'rule')} failed on records`,
    [...ruleErrors].map(([id, { example }]) => `${id}: ${example}`),
    ruleErrors.size,
  );
  tell(
    terminal,
    `${sayMany(failedFiles.length, 'file')} not read, or not to the end`,
    failedFiles.map(({ file, reason }) => `${file}: ${reason}`),
    failedFiles.length,
  );
  tell(
    terminal,
    `${sayMany(unparsed, 'record')} not read`,
    unread.map(({ file, line, reason }) => `${file}:${line}: ${reason}`),
    unparsed,
  );
}

function tell(terminal: Terminal, title: string, lines: readonly string[], count: number): void {
  if (count === 0) return;
  terminal.note(`${terminal.style('yellow', title)}:`);
  for (const line of lines.slice(0, MOST_TOLD)) terminal.note(`  ${visible(line)}`);
  if (count > MOST_TOLD) terminal.note(`  and ${sayMany(count - Math.min(MOST_TOLD, lines.length), 'other')}`);
}
