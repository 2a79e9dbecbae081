/** Blocks: the pieces in which input travels to whoever judges it. A block holds whole records and stands on its own. */

import type { CsvHead, ZeekLog } from '@tocsin/ingest/read';

/** How the records of a block are written, with what its file says of all of them. */
export type BlockForm =
  /** One record per line: JSON objects or lines of syslog, told apart record by record. */
  | { readonly kind: 'lines' }
  /** JSON values over any number of lines. Value i is `bytes[starts[i] … ends[i])`, `lines[i]` the line it begins on, the block's first being 0. */
  | {
      readonly kind: 'values';
      readonly starts: Uint32Array;
      readonly ends: Uint32Array;
      readonly lines: Uint32Array;
      /** Lines up to the next block. */
      readonly lineCount: number;
    }
  | { readonly kind: 'csv'; readonly head: CsvHead }
  | { readonly kind: 'zeek'; readonly log: ZeekLog }
  /** Chunks of an event log of Windows; records are numbered in place of lines. */
  | { readonly kind: 'evtx' };

/** A block on its way: whole records in the first `length` bytes of a buffer, which is given away with it. */
export interface Block {
  readonly buffer: Uint8Array;
  readonly length: number;
  readonly form: BlockForm;
}

/** Something that was not read: the line it began on, the first being 0, and why. */
export interface Unread {
  readonly line: number;
  readonly reason: string;
}

/** What a file comes apart into: blocks, and between them what had to be passed over. */
export type Piece =
  | { readonly kind: 'block'; readonly block: Block }
  /** Lines that hold nothing. */
  | { readonly kind: 'lines'; readonly lines: number }
  /** `lines` is how many lines went, the unread one included. */
  | { readonly kind: 'skipped'; readonly unread: Unread; readonly lines: number };

/** Longest record that is looked at, bytes: an envelope of CloudTrail. Longer ones are counted as not read. */
export const MAX_RECORD_BYTES = 16 * 1024 * 1024;

/** Bytes of a block, if no record is longer. */
export const BLOCK_BYTES = 512 * 1024;
