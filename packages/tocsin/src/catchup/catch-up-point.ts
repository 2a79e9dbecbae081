/** How far a catch-up has come, kept so that it goes on there after it was ended. Bytes: the length of a JSON part, that part, then the states. */
import type { StateBucket } from '@tocsin/bus';
import type { Alert, Position } from '@tocsin/core';
import type { FrameRange } from '@tocsin/store';
import type { ReadPositions } from '../duties/partition-progress.ts';
import { deleteChunked, getChunked, putChunked } from '../state/chunked-value.ts';
import { type FoundAlert, foundKey, pointKey } from './catch-up-job.ts';

/** A point. */
export interface CatchUpPoint {
  /** Last step taken, and number of the first. */
  readonly position: Position;
  readonly firstSequence: number;
  readonly reads: readonly (readonly [partition: number, read: ReadPositions])[];
  readonly orders: readonly (readonly [partition: number, order: number])[];
  readonly ranges: readonly FrameRange[];
  readonly judged: number;
  readonly gone: number;
  /** Not written yet; and all found. */
  readonly alerts: readonly Alert[];
  readonly found: readonly FoundAlert[];
  readonly states: Uint8Array;
}

const LENGTH_BYTES = 4;

/** Keeps a point in place of the one before. */
export async function savePoint(bucket: StateBucket, job: string, { states, ...rest }: CatchUpPoint): Promise<void> {
  const json = Buffer.from(JSON.stringify(rest));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(json.length);
  await putChunked(bucket, pointKey(job), Buffer.concat([length, json, states]));
}

/** The point kept last; undefined where there is none. */
export async function readPoint(bucket: StateBucket, job: string): Promise<CatchUpPoint | undefined> {
  const value = await getChunked(bucket, pointKey(job));
  if (value === undefined) return undefined;
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const end = LENGTH_BYTES + bytes.readUInt32LE(0);
  const rest = JSON.parse(bytes.toString('utf8', LENGTH_BYTES, end)) as Omit<CatchUpPoint, 'states'>;
  return { ...rest, states: bytes.subarray(end) };
}

/** Removes what a catch-up that is done has no more use for. Its states stay: whoever folds the log again needs them. */
export async function forgetPoint(bucket: StateBucket, job: string): Promise<void> {
  await deleteChunked(bucket, pointKey(job));
  await deleteChunked(bucket, foundKey(job));
}
