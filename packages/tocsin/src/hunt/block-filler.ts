/** Fills buffers from a source and carries over what is not yet whole: what all ways of cutting a file into blocks share. */
import type { BufferPool } from './buffer-pool.ts';
import type { ByteSource } from './byte-source.ts';
import { BLOCK_BYTES, type Block, type BlockForm, MAX_RECORD_BYTES } from './hunt-block.ts';

/** A window over a source: `buffer[0 … filled)` is what was read and not yet given away. */
export class BlockFiller {
  readonly #source: ByteSource;
  readonly #pool: BufferPool;
  buffer: Uint8Array<ArrayBuffer>;
  filled = 0;
  /** True once the source has ended: what is in the buffer is the rest. */
  isOver = false;

  constructor(source: ByteSource, pool: BufferPool) {
    this.#source = source;
    this.#pool = pool;
    this.buffer = pool.take();
  }

  /** Reads until `bytes` are there, or the source ends. */
  async fill(bytes: number): Promise<void> {
    while (!this.isOver && this.filled < bytes) {
      const read = await this.#source.read(this.buffer.subarray(this.filled));
      if (read === 0) this.isOver = true;
      this.filled += read;
    }
  }

  /** Fills the buffer; where it is full already makes room for a longer record. False where a record is longer than may be. */
  async fillMore(): Promise<boolean> {
    if (this.filled === this.buffer.length) {
      if (this.filled >= MAX_RECORD_BYTES) return false;
      const larger = this.#pool.take(Math.min(MAX_RECORD_BYTES, this.buffer.length * 4));
      larger.set(this.buffer.subarray(0, this.filled));
      this.#pool.give(this.buffer);
      this.buffer = larger;
    }
    await this.fill(this.buffer.length);
    return true;
  }

  /** The first `length` bytes as a block; what follows is carried over into another buffer. */
  cut(length: number, form: BlockForm): Block {
    const block: Block = { buffer: this.buffer, length, form };
    const rest = this.buffer.subarray(length, this.filled);
    this.buffer = this.#pool.take(Math.max(rest.length, BLOCK_BYTES));
    this.buffer.set(rest);
    this.filled = rest.length;
    return block;
  }

  /** Drops the first bytes. */
  drop(length: number): void {
    this.buffer.copyWithin(0, length, this.filled);
    this.filled -= length;
  }

  /** Gives the buffer back. */
  close(): void {
    this.#pool.give(this.buffer);
  }
}
