/** What kind of log a file is, by how it begins, and how it is cut. */
import { BlockFiller } from './block-filler.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { ByteSource } from './byte-source.ts';
import { cutLines } from './cut-lines.ts';
import type { Piece } from './hunt-block.ts';

/** Pieces of a file, in order. Buffers of blocks belong to whoever takes them and go back to the pool. @throws cli.unreadable */
export async function* cutFile(source: ByteSource, pool: BufferPool): AsyncGenerator<Piece> {
  const filler = new BlockFiller(source, pool);
  try {
    yield* cutLines(filler, { kind: 'lines' });
  } finally {
    filler.close();
  }
}
