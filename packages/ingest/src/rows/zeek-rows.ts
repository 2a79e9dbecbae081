/** Lines of a Zeek log as Zeek's own JSON writer would give them: typed, what is unset left out, the log's name as `_path`. */
import type { Fields } from '@tocsin/core';

/** The head of a Zeek log in its own text form. */
export interface ZeekLog {
  /** `#path`, such as `conn`. */
  readonly path: string;
  readonly fields: readonly string[];
  readonly types: readonly string[];
  readonly separator: string;
  readonly setSeparator: string;
  readonly unset: string;
  readonly empty: string;
}

/** Nothing said yet. */
export const NO_ZEEK_HEAD: ZeekLog = { path: '', fields: [], types: [], separator: '\t', setSeparator: ',', unset: '-', empty: '(empty)' };

/** Whether text begins as a Zeek log does. */
export function looksLikeZeek(head: string): boolean {
  return /^#(separator|set_separator|path|fields)[ \t]/.test(head);
}

/** The head after one more of its lines, such as `#fields`. */
export function readZeekHead(line: string, log: ZeekLog): ZeekLog {
  if (line.startsWith('#separator')) return { ...NO_ZEEK_HEAD, separator: unescapeHex(line.slice(11).trim()) || '\t' };
  const [name, ...values] = line.slice(1).split(log.separator);
  const [value = ''] = values;
  switch (name) {
    case 'set_separator':
      return { ...log, setSeparator: value };
    case 'empty_field':
      return { ...log, empty: value };
    case 'unset_field':
      return { ...log, unset: value };
    case 'path':
      return { ...log, path: value };
    case 'fields':
      return { ...log, fields: values };
    case 'types':
      return { ...log, types: values };
    default:
      return log;
  }
}

/** Fields of a line; text says what is wrong with it. */
export function readZeekLine(line: string, log: ZeekLog): Fields | string {
  if (log.fields.length === 0) return 'no #fields line stands before it';
  const cells = line.split(log.separator);
  if (cells.length !== log.fields.length) return `it has ${cells.length} fields and #fields names ${log.fields.length}`;
  const members: [string, unknown][] = log.path === '' ? [] : [['_path', log.path]];
  log.fields.forEach((name, i) => {
    const cell = cells[i] ?? '';
    if (cell !== log.unset) members.push([name, readCell(cell, log.types[i] ?? 'string', log)]);
  });
  return Object.fromEntries(members);
}

function readCell(cell: string, type: string, log: ZeekLog): unknown {
  const element = /^(?:set|vector)\[(.*)\]$/.exec(type)?.[1];
  if (element === undefined) return cell === log.empty ? '' : readScalar(cell, type);
  return cell === log.empty ? [] : cell.split(log.setSeparator).map((part) => readScalar(part, element));
}

function readScalar(cell: string, type: string): unknown {
  if (type === 'bool') return cell === 'T';
  if (!NUMERIC.has(type)) return unescapeHex(cell);
  const number = Number(cell);
  return cell !== '' && Number.isFinite(number) ? number : unescapeHex(cell);
}

const NUMERIC: ReadonlySet<string> = new Set(['count', 'int', 'port', 'double', 'interval', 'time']);

/** Text with Zeek's `\xHH` undone. */
function unescapeHex(text: string): string {
  return text.includes('\\x')
    ? text.replace(/\\x([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : text;
}
