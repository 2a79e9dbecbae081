/** Records that the door refused: counted by code, the first of each kept as examples. */

import { sayMany } from '../figures.ts';
import type { Terminal } from '../terminal.ts';
import { visible } from '../visible-text.ts';
import { type Batch, lineOfRecord } from './batch-cutter.ts';
import type { RejectedItem } from './deliver.ts';

/** Refusals with one code. */
export interface RejectTally {
  readonly code: string;
  readonly count: number;
  /** The first ones: `file:line` and why. */
  readonly examples: readonly { readonly at: string; readonly reason: string }[];
}

const EXAMPLES = 3;

/** Refusals of one run. */
export class Rejects {
  readonly #byCode = new Map<string, { count: number; examples: { at: string; reason: string }[] }>();

  add(file: string, batch: Batch, items: readonly RejectedItem[]): void {
    for (const { index, code, reason } of items) {
      const known = this.#byCode.get(code) ?? { count: 0, examples: [] };
      known.count += 1;
      if (known.examples.length < EXAMPLES) known.examples.push({ at: `${file}:${lineOfRecord(batch, index)}`, reason });
      this.#byCode.set(code, known);
    }
  }

  /** The most frequent first. */
  tallies(): RejectTally[] {
    return [...this.#byCode].map(([code, tally]) => ({ code, ...tally })).sort((a, b) => b.count - a.count);
  }
}

/** Says what was refused and why, beside the result. */
export function noteRejects(terminal: Terminal, tallies: readonly RejectTally[]): void {
  for (const { code, count, examples } of tallies) {
    terminal.note(`${sayMany(count, 'record')} rejected: ${code}`);
    for (const { at, reason } of examples) terminal.note(`  ${visible(at)}: ${visible(reason)}`);
  }
}
