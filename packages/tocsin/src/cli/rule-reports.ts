/** What became of rules: refusals with file and line, outcomes of the tests they carry. */
import type { RuleTestLine } from '../duties/detect-api.ts';
import type { Terminal } from './terminal.ts';
import { visible } from './visible-text.ts';

/** A refused rule as the API answers it. */
export interface RefusedLine {
  readonly path: string;
  readonly line: number;
  readonly column?: number;
  readonly reason: string;
}

/** Says why rules were refused, beside the result. */
export function noteRefused(terminal: Terminal, refused: readonly RefusedLine[]): void {
  for (const { path, line, column, reason } of refused) {
    const at = `${path}:${line}${column === undefined ? '' : `:${column}`}`;
    terminal.note(`${terminal.style('red', '✗')} ${visible(reason.startsWith(at) ? reason : `${at}: ${reason}`)}`);
  }
}

/** One line per test that did not pass; how many passed. */
export function printTests(terminal: Terminal, tests: readonly RuleTestLine[]): void {
  for (const { title, test, passed, detail } of tests) {
    if (!passed) terminal.line(`${terminal.style('red', '✗')} ${visible(`${title}: ${test}: ${detail}`)}`);
  }
  const passed = tests.filter((each) => each.passed).length;
  terminal.line(`${passed} of ${tests.length} tests passed`);
}
