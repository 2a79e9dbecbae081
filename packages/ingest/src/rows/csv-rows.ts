/** Rows of CSV as events: cells under their columns' names. An empty cell is no member, as CSV cannot tell it from a missing one. */
import type { Fields } from '@tocsin/core';
import { linuxAuthDecoder } from '../decoders/linux-auth.ts';
import { defaultDecodeLimits } from '../decoders/record-decoder.ts';

/** The head of a CSV file. */
export interface CsvHead {
  readonly columns: readonly string[];
  readonly separator: string;
}

/** A row that is none: the line it begins on, the first being 0, and why. */
export interface UnreadRow {
  readonly line: number;
  readonly reason: string;
}

/** A row and where the next begins. */
export interface CsvRow {
  readonly cells: readonly string[];
  readonly end: number;
}

/** An event or what was wrong with its row. */
export type CsvEvent = { readonly line: number; readonly fields: Fields } | UnreadRow;

/** Head of a CSV file whose first bytes are given; undefined where it does not look like one. */
export function sniffCsv(head: string): CsvHead | undefined {
  const text = head.replace(/^\uFEFF/, '');
  // A line of syslog may well hold commas.
  const [first] = linuxAuthDecoder.decode(new TextEncoder().encode(text.split('\n', 1)[0] ?? ''), defaultDecodeLimits);
  if (first !== undefined && 'fields' in first) return undefined;
  for (const separator of [',', ';', '\t']) {
    const row = readCsvRow(text, 0, separator);
    if (row === undefined || row.cells.length < 2 || row.end >= text.length) continue;
    const columns = row.cells.map((cell) => cell.trim());
    const next = readCsvRow(text, row.end, separator);
    if (next !== undefined && next.cells.length > columns.length) continue;
    if (columns.every((name) => COLUMN.test(name)) && new Set(columns).size === columns.length) return { columns, separator };
  }
  return undefined;
}

/** Names of columns are words; a line of a log has more in it. */
const COLUMN = /^[\p{L}_@#][\p{L}\p{N}_@#$.:\-/() ]{0,79}$/u;

/** The row that begins at `from`; undefined where a quote is not closed. */
function readCsvRow(text: string, from: number, separator: string): CsvRow | undefined {
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
