/**
 * Checkpoint of a fold set as bytes, version 2: "TCSN", the length of a JSON part, that part (everything but the states), then the states
 * one behind the other. Taking it into a rule set is in `restore-fold-set.ts`.
 */
import { TocsinError } from '@tocsin/core';
import type { FoldCounts } from './group-table.ts';

/** One group as saved. */
export interface SavedGroup {
  readonly ruleId: string;
  readonly version: string;
  readonly tenant: string;
  readonly key: string;
  readonly state: Uint8Array;
}

/** One fold's event time for one tenant as saved. */
export interface SavedLane {
  readonly ruleId: string;
  readonly version: string;
  readonly tenant: string;
  readonly watermarkMs: number | null;
  readonly sources: readonly string[];
}

/** A fold set as saved; groups from the one touched longest ago. */
export interface SavedTable {
  readonly ruleSetHash: string;
  readonly counts: Readonly<FoldCounts>;
  readonly watermarks: readonly (readonly [string, number])[];
  readonly lanes: readonly SavedLane[];
  readonly groups: readonly SavedGroup[];
}

const MAGIC = 0x4e534354;
const VERSION = 2;
const HEAD_BYTES = 8;

/** Everything of a checkpoint but the states: of each group the index of its lane, its key and the bytes of its state. */
export interface CheckpointHead extends Omit<SavedTable, 'groups'> {
  readonly groups: readonly (readonly [lane: number, key: string, bytes: number])[];
}

/** Bytes of a checkpoint, of its head and the states in the order of the head's groups. */
export function encodeCheckpoint(head: CheckpointHead, states: readonly Uint8Array[]): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify({ version: VERSION, ...head }));
  const bytes = new Uint8Array(states.reduce((sum, state) => sum + state.length, HEAD_BYTES + json.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, json.length, true);
  bytes.set(json, HEAD_BYTES);
  let at = HEAD_BYTES + json.length;
  for (const state of states) {
    bytes.set(state, at);
    at += state.length;
  }
  return bytes;
}

/** A checkpoint's content; its states are views of the bytes given. @throws detect.bad_checkpoint */
export function decodeCheckpoint(bytes: Uint8Array): SavedTable {
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (view.getUint32(0, true) !== MAGIC) throw new TypeError('it does not begin like one');
    const jsonBytes = view.getUint32(4, true);
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(HEAD_BYTES, HEAD_BYTES + jsonBytes));
    const { version, ...head } = JSON.parse(text) as CheckpointHead & { version: number };
    if (version !== VERSION)
      throw new TocsinError('detect.bad_checkpoint', { reason: `it has version ${version} and this Tocsin reads version ${VERSION}` });
    if (![head.watermarks, head.lanes, head.groups].every(Array.isArray)) throw new TypeError('a part is missing');
    return { ...head, groups: readGroups(head, bytes, HEAD_BYTES + jsonBytes) };
  } catch (cause) {
    if (cause instanceof TocsinError) throw cause;
    throw new TocsinError('detect.bad_checkpoint', { reason: 'it is cut short or damaged' }, { cause });
  }
}

function readGroups({ lanes, groups }: CheckpointHead, bytes: Uint8Array, start: number): SavedGroup[] {
  let at = start;
  const read = groups.map(([index, key, length]) => {
    const lane = lanes[index];
    if (lane === undefined || at + length > bytes.length) throw new TypeError('a state is missing');
    const state = bytes.subarray(at, at + length);
    at += length;
    return { ruleId: lane.ruleId, version: lane.version, tenant: lane.tenant, key, state };
  });
  if (at !== bytes.length) throw new TypeError('something follows the last state');
  return read;
}
