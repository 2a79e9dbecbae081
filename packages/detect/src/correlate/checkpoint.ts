/**
 * Checkpoint of a fold set as bytes, version 3: "TCSN", the length of a JSON part, that part (everything but the groups), then the groups
 * one behind the other, in any order. Taking it into a rule set is in `restore-fold-set.ts`.
 */
import { TocsinError } from '@tocsin/core';
import type { FoldCounts } from './table-limits.ts';

/** One group as saved. */
export interface SavedGroup {
  readonly ruleId: string;
  readonly version: string;
  readonly tenant: string;
  /** The parts of its key. */
  readonly key: readonly string[];
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
const VERSION = 3;
const HEAD_BYTES = 8;
/** Of a group: lane, bytes of the key, bytes of the state (four bytes each), and when it was touched (eight). */
const GROUP_HEAD_BYTES = 20;

/** Everything of a checkpoint but the groups. */
export type CheckpointHead = Omit<SavedTable, 'groups'>;

/** A group to be saved: the index of its lane in the head, and a number that grows with the time of its last touch. */
export interface GroupRecord {
  readonly lane: number;
  readonly key: readonly string[];
  readonly touched: number;
  readonly state: Uint8Array;
}

/** How a checkpoint begins; the groups' bytes follow in any order. */
export function encodeHead(head: CheckpointHead): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify({ version: VERSION, ...head }));
  const bytes = new Uint8Array(HEAD_BYTES + json.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, json.length, true);
  bytes.set(json, HEAD_BYTES);
  return bytes;
}

/** Bytes of one group. */
export function encodeGroup({ lane, key, touched, state }: GroupRecord): Uint8Array {
  const name = new TextEncoder().encode(JSON.stringify(key));
  const bytes = new Uint8Array(GROUP_HEAD_BYTES + name.length + state.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, lane, true);
  view.setUint32(4, name.length, true);
  view.setUint32(8, state.length, true);
  view.setFloat64(12, touched, true);
  bytes.set(name, GROUP_HEAD_BYTES);
  bytes.set(state, GROUP_HEAD_BYTES + name.length);
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
    if (![head.watermarks, head.lanes].every(Array.isArray)) throw new TypeError('a part is missing');
    return { ...head, groups: readGroups(head, view, HEAD_BYTES + jsonBytes) };
  } catch (cause) {
    if (cause instanceof TocsinError) throw cause;
    throw new TocsinError('detect.bad_checkpoint', { reason: 'it is cut short or damaged' }, { cause });
  }
}

function readGroups({ lanes }: CheckpointHead, view: DataView, start: number): SavedGroup[] {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const decoder = new TextDecoder('utf-8');
  const read: { touched: number; group: SavedGroup }[] = [];
  for (let at = start; at < bytes.length; ) {
    const lane = lanes[view.getUint32(at, true)];
    const stateAt = at + GROUP_HEAD_BYTES + view.getUint32(at + 4, true);
    const end = stateAt + view.getUint32(at + 8, true);
    if (lane === undefined || end > bytes.length) throw new TypeError('a group is missing');
    const key = JSON.parse(decoder.decode(bytes.subarray(at + GROUP_HEAD_BYTES, stateAt))) as string[];
    const { ruleId, version, tenant } = lane;
    read.push({ touched: view.getFloat64(at + 12, true), group: { ruleId, version, tenant, key, state: bytes.subarray(stateAt, end) } });
    at = end;
  }
  return read.sort((a, b) => a.touched - b.touched).map(({ group }) => group);
}
