/** Pairs of one audit record: quoted, bare, or in hexadecimal where a value holds what cannot be quoted; user records nest theirs in `msg='…'`. */
import { readPairs } from './key-value.ts';

/** Pairs of the text behind a record's head. `?`, `(null)` and `(none)` are no values. */
export function readAuditPairs(text: string, type: string): [string, string][] {
  // What the daemon adds in words (log_format ENRICHED) stands behind a group separator, names in upper case.
  const pairs = readPairs(text.replaceAll('\x1d', ' '));
  return pairs.flatMap(([name, value, isQuoted]): [string, string][] => {
    if (value === true) return [];
    if (name === 'msg') return isQuoted ? readAuditPairs(value, type) : [];
    return NOTHING.has(value) ? [] : [[name, !isQuoted && isEncoded(name, value, type) ? decodeHex(name, value) : value]];
  });
}

const NOTHING: ReadonlySet<string> = new Set(['?', '(null)', '(none)', '']);

/** Fields that the kernel writes in hexadecimal where quotes will not do (auparse, `encoded`). */
const ENCODED: ReadonlySet<string> = new Set([
  'acct',
  'cmd',
  'comm',
  'cwd',
  'data',
  'dir',
  'exe',
  'file',
  'grp',
  'key',
  'name',
  'new',
  'ocomm',
  'old',
  'path',
  'proctitle',
  'sw',
  'vm',
  'watch',
]);

function isEncoded(name: string, value: string, type: string): boolean {
  if (!ENCODED.has(name) && !(type === 'EXECVE' && /^a\d{1,4}(\[\d{1,4}\])?$/.test(name))) return false;
  // A quoted "CAFE" is a word; the same bare is hexadecimal.
  return value.length % 2 === 0 && /^[0-9A-F]{2,}$/.test(value);
}

/** Arguments of a command line are separated by zero bytes. */
function decodeHex(name: string, value: string): string {
  const text = Buffer.from(value, 'hex').toString('utf8');
  return (name === 'proctitle' || name === 'cmd' ? text.replace(/\0+$/, '').replaceAll('\0', ' ') : text.replaceAll('\0', '')) || value;
}
