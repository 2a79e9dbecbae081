/** Answers of Redis (RESP2, as buffers) read into entries of streams, and an entry as a raw record. Nothing here throws on input. */
import type { RawRecord } from '../../source.ts';
import { withinBounds } from '../pull/pulled-record.ts';

/** An entry of a stream. */
export interface StreamEntry {
  readonly key: string;
  /** `<milliseconds>-<number>`. */
  readonly id: string;
  /** Names and values in turn; undefined where the entry was deleted after it was handed out. */
  readonly fields: readonly Buffer[] | undefined;
}

/** Entries of an answer to XREADGROUP: null, or pairs of key and entries. */
export function entriesOfRead(reply: unknown): StreamEntry[] {
  return arrayOf(reply).flatMap((stream) => {
    const [key, entries] = arrayOf(stream);
    return entriesOf(String(key), entries);
  });
}

/** An answer to XAUTOCLAIM: where to go on (`0-0`: nowhere), entries, and how many had been deleted. */
export function readClaim(key: string, reply: unknown): { cursor: string; entries: StreamEntry[]; deleted: number } {
  const [cursor, entries, deleted] = arrayOf(reply);
  return {
    cursor: Buffer.isBuffer(cursor) ? cursor.toString() : '0-0',
    entries: entriesOf(key, entries),
    deleted: arrayOf(deleted).length,
  };
}

/** Entries that wait for a group, of an answer to XINFO GROUPS; undefined where the server cannot tell. */
export function lagOf(group: string, reply: unknown): number | undefined {
  for (const row of arrayOf(reply)) {
    const facts = new Map<string, unknown>();
    const members = arrayOf(row);
    for (let i = 0; i + 1 < members.length; i += 2) facts.set(String(members[i]), members[i + 1]);
    const lag = facts.get('lag');
    if (String(facts.get('name')) === group) return typeof lag === 'number' ? lag : undefined;
  }
  return undefined;
}

/** The record of an entry that is there. Its id is its place, so that an entry read again is the same event. */
export function recordOfEntry(
  { key, id, fields = [] }: StreamEntry,
  { field, ...limits }: { field: string | undefined; listener: string; maxBytes: number },
): RawRecord {
  const bytes = field === undefined ? objectOf(fields) : (valueOf(fields, field) ?? Buffer.alloc(0));
  const timeMs = Number(id.slice(0, id.indexOf('-')));
  return withinBounds({ bytes, envelope: { id: `${key}-${id}`, timeMs } }, limits);
}

function entriesOf(key: string, entries: unknown): StreamEntry[] {
  return arrayOf(entries)
    .filter((entry) => entry !== null)
    .map((entry) => {
      const [id, fields] = arrayOf(entry);
      return { key, id: String(id), fields: Array.isArray(fields) ? (fields as Buffer[]) : undefined };
    });
}

function valueOf(fields: readonly Buffer[], name: string): Buffer | undefined {
  for (let i = 0; i + 1 < fields.length; i += 2) if (String(fields[i]) === name) return fields[i + 1];
  return undefined;
}

function objectOf(fields: readonly Buffer[]): Uint8Array {
  const members: [string, string][] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) members.push([String(fields[i]), String(fields[i + 1])]);
  return Buffer.from(JSON.stringify(Object.fromEntries(members)));
}

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
