/** An event log of Windows as blocks of its chunks, which stand on their own. */
import { TocsinError } from '@tocsin/core';
import { EVTX_CHUNK_BYTES, EVTX_HEAD_BYTES } from '@tocsin/ingest/read';
import type { BlockFiller } from './block-filler.ts';
import type { Piece } from './hunt-block.ts';

/** Blocks of whole chunks; records take the place of lines. @throws cli.unreadable where the log ends within its head, or within a chunk, after the whole ones */
export async function* cutEvtx(filler: BlockFiller): AsyncGenerator<Piece> {
  await filler.fill(EVTX_HEAD_BYTES);
  if (filler.filled < EVTX_HEAD_BYTES) throw cut('the log ends within its head');
  filler.drop(EVTX_HEAD_BYTES);
  while (!filler.isOver || filler.filled >= EVTX_CHUNK_BYTES) {
    await filler.fill(filler.buffer.length);
    const whole = filler.filled - (filler.filled % EVTX_CHUNK_BYTES);
    if (whole === 0) break;
    yield { kind: 'block', block: filler.cut(whole, { kind: 'evtx' }) };
  }
  if (filler.filled > 0) throw cut('the log ends within a chunk');
}

function cut(reason: string): TocsinError {
  return new TocsinError('cli.unreadable', { path: 'event log', reason });
}
