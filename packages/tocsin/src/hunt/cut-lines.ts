/** A file of lines as blocks of whole lines. What the lines hold is not looked at. */
import type { BlockFiller } from './block-filler.ts';
import { type BlockForm, MAX_RECORD_BYTES, type Piece } from './hunt-block.ts';

const LF = 0x0a;

/** Blocks of lines, in order; a line that is longer than a record may be is passed over. The last line need not end. */
export async function* cutLines(filler: BlockFiller, form: BlockForm): AsyncGenerator<Piece> {
  for (;;) {
    await filler.fill(filler.buffer.length);
    const last = filler.isOver ? filler.filled : filler.buffer.lastIndexOf(LF, filler.filled - 1) + 1;
    if (last > 0) yield { kind: 'block', block: filler.cut(last, form) };
    else if (filler.isOver) return;
    else if (!(await filler.fillMore())) yield await skipLine(filler);
  }
}

async function skipLine(filler: BlockFiller): Promise<Piece> {
  let length = 0;
  for (;;) {
    const end = filler.buffer.subarray(0, filler.filled).indexOf(LF);
    const taken = end === -1 ? filler.filled : end + 1;
    length += end === -1 ? taken : end;
    filler.drop(taken);
    if (end !== -1 || filler.isOver) break;
    await filler.fill(filler.buffer.length);
  }
  const reason = `it has ${length} bytes and a record may have ${MAX_RECORD_BYTES}`;
  return { kind: 'skipped', unread: { line: 0, reason }, lines: 1 };
}
