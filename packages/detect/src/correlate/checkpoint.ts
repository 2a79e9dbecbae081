/** Checkpoint of a fold set as bytes: JSON in UTF-8 (states too, as text), version 1. Taking it into a rule set is in `restore-fold-set.ts`. */
import { TocsinError } from '@tocsin/core';

/** One group as saved. */
export interface SavedGroup {
  readonly ruleId: string;
  readonly version: string;
  readonly tenant: string;
  readonly key: string;
  readonly state: Uint8Array;
}

/** A fold set as saved; groups from the one touched longest ago. */
export interface SavedTable {
  readonly ruleSetHash: string;
  readonly counts: { readonly evicted: number; readonly late: number; readonly unknown: number };
  readonly watermarks: readonly (readonly [string, number])[];
  readonly lanes: readonly {
    readonly ruleId: string;
    readonly tenant: string;
    readonly watermarkMs: number | null;
    readonly sources: readonly string[];
  }[];
  readonly groups: readonly SavedGroup[];
}

const VERSION = 1;

/** Bytes of a checkpoint. */
export function encodeCheckpoint(table: SavedTable): Uint8Array {
  const groups = table.groups.map((group) => ({ ...group, state: new TextDecoder().decode(group.state) }));
  return new TextEncoder().encode(JSON.stringify({ version: VERSION, ...table, groups }));
}

/** A checkpoint's content. @throws detect.bad_checkpoint */
export function decodeCheckpoint(bytes: Uint8Array): SavedTable {
  try {
    const read = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Omit<SavedTable, 'groups'> & {
      version: number;
      groups: (Omit<SavedGroup, 'state'> & { state: string })[];
    };
    if (read.version !== VERSION)
      throw new TocsinError('detect.bad_checkpoint', { reason: `it has version ${read.version} and this Tocsin reads version ${VERSION}` });
    if (![read.watermarks, read.lanes, read.groups].every(Array.isArray)) throw new TypeError('a part is missing');
    return { ...read, groups: read.groups.map((group) => ({ ...group, state: new TextEncoder().encode(group.state) })) };
  } catch (cause) {
    if (cause instanceof TocsinError) throw cause;
    throw new TocsinError('detect.bad_checkpoint', { reason: 'it is cut short or damaged' }, { cause });
  }
}
