/**
 * Where commands write: colour, tables and progress bars on a terminal, plain lines in a pipe, JSON where asked. Text
 * that comes from events never reaches the terminal raw: `visible-text.ts` writes out what could steer it.
 */
import { styleText } from 'node:util';
import { ProgressBar } from './progress-bar.ts';
import { fitColumns } from './table-widths.ts';
import { shorten, shortenStart, textWidth, visible } from './visible-text.ts';

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
  /** Which end of a value that is too long is shown; the start where absent. */
  readonly keep?: 'start' | 'end' | undefined;
  /** Width below which it is not narrowed, in characters. */
  readonly least?: number | undefined;
  /** Colour of a cell on a terminal. */
  readonly style?: ((row: Row) => Style) | undefined;
}

/** Colour or weight of text. */
export type Style = Parameters<typeof styleText>[0];

/** How a terminal is used. */
export interface TerminalOptions {
  readonly out: Screen;
  readonly err: Screen;
  readonly json: boolean;
  /** False where the person asked for none (NO_COLOR) or the terminal has none. */
  readonly colour: boolean;
  /** What the person types to run this program, such as `npm run -s tocsin --` in a clone. */
  readonly program?: string | undefined;
}

/** The program as messages name it. */
const PROGRAM = 'tocsin';
const GAP = '  ';

/** Words behind the program's name that make it a command and not the name of the product. */
const COMMAND =
  /(?<![./-])tocsin (?=(?:up|start|status|doctor|publish|tail|alerts|rules|sources|audit|config|hunt|parse|quotas|dead-letters|coverage|catch-up|replay|rebuild|--help)\b)/g;

/** A message with the commands in it as they are typed where the program is started by `program`. */
export function asTyped(text: string, program: string): string {
  return program === PROGRAM ? text : text.replaceAll(COMMAND, `${program} `);
}

/** Output of one command. */
export class Terminal {
  readonly json: boolean;
  readonly #out: Screen;
  readonly #err: Screen;
  readonly #colour: boolean;
  readonly #program: string;
  #bar: ProgressBar | undefined;

  constructor(options: TerminalOptions) {
    this.#out = options.out;
    this.#err = options.err;
    this.json = options.json;
    this.#colour = options.colour;
    this.#program = options.program ?? PROGRAM;
  }

  /** Whether a person is watching: aligned tables, progress bars, what to do next. */
  get interactive(): boolean {
    return this.#out.isTTY === true && !this.json;
  }

  /** Columns of the terminal; 80 where it does not say. */
  get columns(): number {
    return this.#out.columns ?? 80;
  }

  /** A line of result. Say nothing through it that came from outside without `visible`. */
  line(text = ''): void {
    this.#write(this.#out, `${text}\n`);
  }

  /** A line beside the result: what is being done. Not part of what a pipe gets. */
  note(text: string): void {
    this.#write(this.#err, `${text}\n`);
  }

  /** A line that only a person at a terminal needs, such as what to type next. Commands in it are shown as he types them. */
  hint(text = ''): void {
    if (this.interactive) this.line(this.typed(text));
  }

  /** A message of ours with the commands in it as the person types them. Not for text from outside. */
  typed(text: string): string {
    return asTyped(text, this.#program);
  }

  /** One object as one line of JSON. */
  object(value: unknown): void {
    this.#write(this.#out, `${JSON.stringify(value)}\n`);
  }

  /** Colour on a terminal, plain text elsewhere. */
  style(style: Style, text: string): string {
    return this.interactive && this.#colour ? styleText(style, text, { validateStream: false }) : text;
  }

  /** Rows under titles, aligned and no wider than the terminal; in a pipe tab-separated without padding. */
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void {
    const titles = columns.map((column) => column.title);
    const cells = rows.map((row) => columns.map((column) => visible(column.value(row))));
    if (!this.interactive) {
      for (const row of [titles, ...cells]) this.line(row.join('\t'));
      return;
    }
    const wanted = columns.map((_, i) => Math.max(0, ...[titles, ...cells].map((row) => textWidth(row[i] ?? ''))));
    const widths = fitColumns(
      wanted,
      this.columns - GAP.length * (columns.length - 1),
      columns.map((column) => column.least),
    );
    const pad = (cell: string, i: number): string => {
      const short = (columns[i]?.keep === 'end' ? shortenStart : shorten)(cell, widths[i] ?? 0);
      const space = ' '.repeat(Math.max(0, (widths[i] ?? 0) - textWidth(short)));
      return columns[i]?.right ? space + short : short + space;
    };
    this.line(this.style('bold', titles.map(pad).join(GAP).trimEnd()));
    rows.forEach((row, n) => {
      const padded = (cells[n] ?? []).map((cell, i) => {
        const style = columns[i]?.style?.(row);
        return style === undefined ? pad(cell, i) : this.style(style, pad(cell, i));
      });
      this.line(padded.join(GAP).trimEnd());
    });
  }

  /** A bar that replaces itself; silent unless both ends are a terminal. Lines written meanwhile appear above it. The caller ends it. */
  progress(label: string): Pick<ProgressBar, 'show' | 'end'> {
    if (!this.interactive || this.#err.isTTY !== true || !this.#colour) return { show: () => undefined, end: () => undefined };
    this.#bar?.end();
    this.#bar = new ProgressBar(this.#err, label, () => performance.now());
    return this.#bar;
  }

  #write(screen: Screen, text: string): void {
    if (this.#bar) this.#bar.around(() => screen.write(text));
    else screen.write(text);
  }
}
