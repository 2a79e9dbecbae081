/** What a member of an installation says of itself: its record in the bucket of members, as plain JSON. */
import { isTocsinError } from '@tocsin/core';
import type { Duty } from '../topology.ts';

/** Life of a record in the bucket: only clears away what a member has left behind, deciding is everybody's own. Milliseconds. */
export const MEMBER_TTL_MS = 30_000;

/** Duties whose work is divided among members. */
export type SharedDuty = 'match' | 'correlate';

/** One member's record. */
export interface MemberRecord {
  readonly id: string;
  /** Process it belongs to: by this name it is asked. */
  readonly node: string;
  /** Of this life of the member; ULID, later lives are greater. */
  readonly epoch: string;
  readonly duties: readonly Duty[];
  /** Partitions it matches, and fold shards it keeps. */
  readonly holds: Readonly<Record<SharedDuty, readonly number[]>>;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
  readonly version: string;
  /** Name of its machine, and number of its process there. */
  readonly host: string;
  readonly process: number;
  /** How far it is behind: milliseconds between storing and judging of what it judged last, 0 with nothing to read; null while nothing was read. */
  readonly behindMs: number | null;
  /** Rule set it judges by. */
  readonly ruleSet: string | null;
}

/** The record as a value of the bucket. */
export function encodeMember(record: MemberRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record));
}

/** A record read back; undefined where the value is none: of another version, or written by hand. */
export function parseMember(value: Uint8Array): MemberRecord | undefined {
  try {
    const record = JSON.parse(Buffer.from(value).toString()) as MemberRecord;
    const isWhole = typeof record.id === 'string' && Array.isArray(record.holds?.match) && Array.isArray(record.holds.correlate);
    return isWhole && Array.isArray(record.duties) ? record : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || isTocsinError(error)) return undefined;
    throw error;
  }
}
