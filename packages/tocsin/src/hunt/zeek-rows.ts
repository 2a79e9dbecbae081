/** Lines of a Zeek log as Zeek's own JSON writer would give them: typed, what is unset left out, the log's name as `_path`. */
import type { Fields } from '@tocsin/core';
import { unescapeHex } from './cut-zeek.ts';
import type { ZeekLog } from './hunt-block.ts';

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
