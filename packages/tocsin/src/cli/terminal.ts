/**
 * Where commands write: colour, tables and progress bars on a terminal, plain lines in a pipe, JSON where asked. Text
 * that comes from events never reaches the terminal raw: control characters and bidirectional overrides are shown, not sent.
 */
import { styleText } from 'node:util';

/** A writable end: standard output or error. */
export interface Screen {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly right?: boolean | undefined;
  /** Widest in characters; longer values end in `…`. */
  readonly max?: number | undefined;
}

type Style = Parameters<typeof styleText>[0];

/** Output of one command. */
export class Terminal {
  readonly json: boolean;
  readonly #out: Screen;
  readonly #err: Screen;

  constructor(options: { out: Screen; err: Screen; json: boolean }) {
    this.#out = options.out;
    this.#err = options.err;
    this.json = options.json;
  }

  /** Whether progress bars and colours are wanted. */
  get interactive(): boolean {
    return this.#out.isTTY === true && !this.json;
  }

  /** A line of result. Say nothing through it that came from outside without `visible`. */
  line(text = ''): void {
    this.#out.write(`${text}\n`);
  }

  /** A line beside the result: what is being done. Not part of what a pipe gets. */
  note(text: string): void {
    this.#err.write(`${text}\n`);
  }

  /** One object as one line of JSON. */
  object(value: unknown): void {
    this.#out.write(`${JSON.stringify(value)}\n`);
  }

  /** Colour on a terminal, plain text elsewhere. */
  style(style: Style, text: string): string {
    return this.interactive ? styleText(style, text, { validateStream: false }) : text;
  }

  /** Rows under titles, aligned; in a pipe tab-separated without padding. */
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void {
    const cells = rows.map((row) => columns.map((column) => shorten(visible(column.value(row)), column.max)));
    if (!this.interactive) {
      for (const row of [columns.map((column) => column.title), ...cells]) this.line(row.join('\t'));
      return;
    }
    const widths = columns.map((column, i) => Math.max(column.title.length, ...cells.map((row) => row[i]?.length ?? 0)));
    const pad = (row: readonly string[]): string =>
      row.map((cell, i) => (columns[i]?.right ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join('  ').trimEnd();
    this.line(this.style('bold', pad(columns.map((column) => column.title))));
    for (const row of cells) this.line(pad(row));
  }

  /** A bar on standard error that replaces itself; silent unless both ends are a terminal. */
  progress(label: string, total: number): (done: number, detail?: string) => void {
    if (!this.interactive || this.#err.isTTY !== true) return () => undefined;
    let shownMs = 0;
    return (done, detail = '') => {
      const nowMs = performance.now();
      if (done < total && nowMs - shownMs < 80) return;
      shownMs = nowMs;
      const share = total === 0 ? 1 : Math.min(1, done / total);
      const bar = '█'.repeat(Math.round(share * 24)).padEnd(24, '░');
      this.#err.write(`\r\x1b[2K${label} ${bar} ${String(Math.round(share * 100)).padStart(3)} % ${detail}${done >= total ? '\n' : ''}`);
    };
  }
}

/** Text with every character that could steer a terminal or reorder a line written out (C0, C1, bidirectional and line separators). */
export function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are the ones to catch
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]/g, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${code}`;
  });
}

function shorten(text: string, max: number | undefined): string {
  return max !== undefined && text.length > max ? `${text.slice(0, max - 1)}…` : text;
}
