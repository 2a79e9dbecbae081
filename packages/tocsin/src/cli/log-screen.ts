/** Where the log of a running installation goes: JSON lines where a program reads, short lines where a person watches. */
import type { Terminal } from './terminal.ts';
import { visible } from './visible-text.ts';

interface LogLine {
  readonly level?: string;
  readonly msg?: string;
  readonly err?: { readonly message?: string };
}

/** A destination for the logger. */
export function createLogScreen(terminal: Terminal): { write(line: string): void } {
  return {
    write(line) {
      const text = terminal.interactive ? shortLine(terminal, line) : line.trimEnd();
      if (text !== undefined) terminal.note(text);
    },
  };
}

/** What a person needs of a line; undefined where that is nothing. */
function shortLine(terminal: Terminal, line: string): string | undefined {
  const { level = 'info', msg = '', err } = JSON.parse(line) as LogLine;
  const reason = err?.message === undefined ? '' : `: ${err.message}`;
  if (level === 'info' || level === 'debug') return terminal.style('dim', visible(msg + reason));
  return `${terminal.style(level === 'warn' ? 'yellow' : 'red', level)} ${visible(msg + reason)}`;
}
