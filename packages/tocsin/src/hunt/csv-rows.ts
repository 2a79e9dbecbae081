/** Rows of CSV as events: cells under their columns' names. An empty cell is no member, as CSV cannot tell it from a missing one. */
import type { Fields } from '@tocsin/core';
import type { CsvHead, Unread } from './hunt-block.ts';

/** A row and where the next begins. */
export interface CsvRow {
  readonly cells: readonly string[];
  readonly end: number;
}

/** An event or what was wrong with its row. */
export type CsvEvent = { readonly line: number; readonly fields: Fields } | Unread;

/** The row that begins at `from`; undefined where a quote is not closed. */
export function readCsvRow(text: string, from: number, separator: string): CsvRow | undefined {
  const cells: string[] = [];
  for (let at = from; ; ) {
    const cell = text[at] === '"' ? readQuoted(text, at) : readPlain(text, at, separator);
    if (cell === undefined) return undefined;
    cells.push(cell.value);
    at = cell.end;
    if (text[at] === separator) at += 1;
    else return { cells, end: text[at] === '\r' && text[at + 1] === '\n' ? at + 2 : at + 1 };
  }
}

/** Events of a block of whole rows, lines counted from 0; and how many lines it has. */
export function readCsvEvents(text: string, { columns, separator }: CsvHead): { events: CsvEvent[]; lineCount: number } {
  const events: CsvEvent[] = [];
  let line = 0;
  for (let at = 0; at < text.length; ) {
    const row = readCsvRow(text, at, separator);
    const end = row?.end ?? text.length;
    if (row === undefined) events.push({ line, reason: 'its quotes are not closed' });
    else if (row.cells.length > columns.length)
      events.push({ line, reason: `it has ${row.cells.length} cells and the head ${columns.length}` });
    else if (row.cells.some((cell) => cell !== '')) events.push({ line, fields: fieldsOfRow(row.cells, columns) });
    for (let i = at; i < end && i < text.length; i++) if (text.charCodeAt(i) === 0x0a) line += 1;
    at = end;
  }
  return { events, lineCount: line };
}

function fieldsOfRow(cells: readonly string[], columns: readonly string[]): Fields {
  return Object.fromEntries(cells.flatMap((cell, i) => (cell === '' ? [] : [[columns[i] ?? '', cell]])));
}

function readPlain(text: string, from: number, separator: string): { value: string; end: number } {
  let end = from;
  while (end < text.length && text[end] !== separator && text[end] !== '\n' && !(text[end] === '\r' && text[end + 1] === '\n')) end += 1;
  return { value: text.slice(from, end), end };
}

function readQuoted(text: string, from: number): { value: string; end: number } | undefined {
  let value = '';
  for (let at = from + 1; ; ) {
    const quote = text.indexOf('"', at);
    if (quote === -1) return undefined;
    value += text.slice(at, quote);
    if (text[quote + 1] !== '"') return { value, end: quote + 1 };
    value += '"';
    at = quote + 2;
  }
}
