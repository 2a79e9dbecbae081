/**
 * Makes one record of several lines of a file: parts of a container's long lines, lines of one audit event. What is open is bounded, and
 * a file is only read for good up to the first line that is open.
 */
import { Buffer } from 'node:buffer';
import { auditPartOf } from '../../decoders/lines/auditd.ts';
import type { FileLine } from './cut-lines.ts';

/** A record of a file: where its first line begins, and its bytes. */
export interface FileRecord {
  readonly at: number;
  readonly bytes: Buffer;
}

/** Joins lines of one file, given in order. */
export interface LineJoiner {
  push(line: FileLine): FileRecord[];
  /** Offset of the first line that is open; undefined where none is. */
  readonly openFrom: number | undefined;
  /** Gives what is open as it stands. */
  flush(): FileRecord[];
}

/** What a joiner makes of a line: which group it belongs to, and whether the group is whole with it. Undefined for a record of its own. */
type Part = { readonly key: string; readonly isLast: boolean };

interface Group {
  readonly at: number;
  readonly parts: Buffer[];
  bytes: number;
}

/** Groups that may be open at a time, and how far behind the end of reading one may lie, bytes. */
const MAX_OPEN = 64;
const MAX_BEHIND = 4 << 20;

/** A joiner; undefined where every line is a record. */
export function createLineJoiner(join: 'none' | 'container' | 'auditd', maxBytes: number): LineJoiner | undefined {
  if (join === 'none') return undefined;
  return join === 'container' ? joinBy(containerPart, joinContainer, maxBytes) : joinBy(auditPart, joinLines, maxBytes);
}

function joinBy(partOf: (line: Buffer) => Part | undefined, joined: (parts: readonly Buffer[]) => Buffer, maxBytes: number): LineJoiner {
  const open = new Map<string, Group>();
  const close = (key: string): FileRecord[] => {
    const group = open.get(key);
    open.delete(key);
    return group === undefined ? [] : [{ at: group.at, bytes: joined(group.parts) }];
  };
  const closeOld = (next: number): FileRecord[] => {
    const [first] = open;
    const isOld = first !== undefined && (open.size > MAX_OPEN || next - first[1].at > MAX_BEHIND);
    return isOld ? close(first[0]) : [];
  };
  return {
    push({ at, next, bytes }) {
      const part = partOf(bytes);
      if (part === undefined) return [{ at, bytes }];
      const held = open.get(part.key);
      const before = held !== undefined && held.bytes + bytes.length > maxBytes ? close(part.key) : [];
      const group = open.get(part.key) ?? { at, parts: [], bytes: 0 };
      open.set(part.key, group);
      group.parts.push(bytes);
      group.bytes += bytes.length;
      return [...before, ...(part.isLast ? close(part.key) : closeOld(next))];
    },
    get openFrom() {
      const [first] = open.values();
      return first?.at;
    },
    flush: () => [...open.keys()].flatMap(close),
  };
}

/** CRI: `TIME STREAM P|F TEXT` (kubernetes, CRI logging). Docker's json-file: a part has no line feed at its end. */
const CRI = /^\S{1,64} (stdout|stderr) ([PF])(?::\S*)? /;

function containerPart(line: Buffer): Part | undefined {
  if (line[0] === 0x7b) {
    const entry = dockerEntry(line);
    return entry === undefined ? undefined : { key: entry.stream, isLast: entry.log.endsWith('\n') };
  }
  const [, stream, tag] = CRI.exec(line.subarray(0, 128).toString('latin1')) ?? [];
  return stream === undefined ? undefined : { key: stream, isLast: tag === 'F' };
}

interface DockerEntry {
  readonly log: string;
  readonly stream: string;
}

function dockerEntry(line: Buffer): DockerEntry | undefined {
  try {
    const entry = JSON.parse(line.toString()) as Partial<DockerEntry> | null;
    return typeof entry?.log === 'string' && typeof entry.stream === 'string' ? (entry as DockerEntry) : undefined;
  } catch {
    return undefined; // no JSON: a record of its own, which its decoder judges
  }
}

/** One line of the same format: the last one's time and tag, the text of all. */
function joinContainer(parts: readonly Buffer[]): Buffer {
  const last = parts.at(-1);
  if (last === undefined || parts.length === 1) return last ?? Buffer.alloc(0);
  if (last[0] === 0x7b) {
    const entries = parts.map((part) => dockerEntry(part)).filter((entry) => entry !== undefined);
    return Buffer.from(JSON.stringify({ ...entries.at(-1), log: entries.map(({ log }) => log).join('') }));
  }
  const headOf = (part: Buffer): number => CRI.exec(part.subarray(0, 128).toString('latin1'))?.[0].length ?? 0;
  return Buffer.concat([last.subarray(0, headOf(last)), ...parts.map((part) => part.subarray(headOf(part)))]);
}

/** As much of a line as says which event it is a part of. */
const AUDIT_HEAD_BYTES = 512;

function auditPart(line: Buffer): Part | undefined {
  return auditPartOf(line.subarray(0, AUDIT_HEAD_BYTES).toString('latin1'));
}

function joinLines(parts: readonly Buffer[]): Buffer {
  return Buffer.concat(parts.flatMap((part, i) => (i === 0 ? [part] : [LINE_END, part])));
}

const LINE_END = Buffer.from('\n');
