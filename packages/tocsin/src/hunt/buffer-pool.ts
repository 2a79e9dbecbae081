/** Buffers that go out with blocks and come back, so that a hunt of any length allocates a few. */
import { BLOCK_BYTES } from './hunt-block.ts';

/** Buffers of at least a block's size. */
export interface BufferPool {
  take(bytes?: number): Uint8Array<ArrayBuffer>;
  /** Takes a buffer back; nobody may use it afterwards. */
  give(buffer: Uint8Array): void;
}

const MOST_KEPT = 16;

/** An empty pool. */
export function createBufferPool(): BufferPool {
  const free: Uint8Array<ArrayBuffer>[] = [];
  return {
    take: (bytes = BLOCK_BYTES) => {
      const known = bytes <= BLOCK_BYTES ? free.pop() : undefined;
      return known ?? new Uint8Array(Math.max(bytes, BLOCK_BYTES));
    },
    give: (buffer) => {
      // Larger ones were made for one long record.
      if (buffer.buffer.byteLength === BLOCK_BYTES && free.length < MOST_KEPT) free.push(new Uint8Array(buffer.buffer as ArrayBuffer));
    },
  };
}
