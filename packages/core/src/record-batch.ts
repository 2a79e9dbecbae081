/**
 * Records side by side in one buffer: what is matched at a time. A frame's records and a block of lines of a file are both read
 * through it.
 */

/** Records in one buffer, in order. Record i is `bytes[starts[i] … ends[i])`; between two of them anything may lie. */
export interface RecordBatch {
  readonly count: number;
  readonly bytes: Uint8Array;
  /** At least `count` offsets each, `starts[i]` ≤ `ends[i]` ≤ `starts[i + 1]`. */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}
