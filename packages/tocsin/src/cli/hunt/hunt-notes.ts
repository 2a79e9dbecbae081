/** What went wrong in a hunt without ending it, told beside the result: never silently, never at length. */
import type { HuntTally } from '../../hunt/hunt-tally.ts';
import type { RefusedHuntRule } from '../../hunt/load-rules.ts';
import { sayMany } from '../figures.ts';
import type { Terminal } from '../terminal.ts';
import { visible } from '../visible-text.ts';

const MOST_TOLD = 5;

/** Rules that were left out, the first of them with place and reason. */
export function noteRefusedRules(terminal: Terminal, refused: readonly RefusedHuntRule[]): void {
  const lines = refused.map(({ file, line, reason }) => `${file}:${line}: ${reason}`);
  tell(terminal, { count: refused.length, what: ['rule', 'left out'], lines });
}

/** Files and records that could not be read, and rules that failed on records, the first of each with place and reason. */
export function noteUnread(terminal: Terminal, { failedFiles, unread, unparsed, ruleErrors }: HuntTally): void {
  const failed = [...ruleErrors].map(([id, { example }]) => `${id}: ${example}`);
  tell(terminal, { count: failed.length, what: ['rule', 'failed on records'], lines: failed });
  const files = failedFiles.map(({ file, reason }) => `${file}: ${reason}`);
  tell(terminal, { count: files.length, what: ['file', 'not read, or not to the end'], lines: files });
  const records = unread.map(({ file, line, reason }) => `${file}:${line}: ${reason}`);
  tell(terminal, { count: unparsed, what: ['record', 'not read'], lines: records });
}

interface Trouble {
  readonly count: number;
  readonly what: readonly [noun: string, fate: string];
  readonly lines: readonly string[];
}

function tell(terminal: Terminal, { count, what: [noun, fate], lines }: Trouble): void {
  if (count === 0) return;
  terminal.note(`${terminal.style('yellow', `${sayMany(count, noun)} ${fate}`)}:`);
  const told = lines.slice(0, MOST_TOLD);
  for (const line of told) terminal.note(`  ${visible(line)}`);
  if (count > told.length) terminal.note(`  and ${sayMany(count - told.length, 'other')}`);
}
