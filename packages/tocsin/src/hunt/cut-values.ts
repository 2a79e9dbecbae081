/**
 * JSON that is not one object per line: a list, an envelope of CloudTrail (`{"Records": […]}`), or values printed over several lines, as
 * blocks of whole values. Whether a value is valid is seen when it is decoded.
 */
import type { BlockFiller } from './block-filler.ts';
import { MAX_RECORD_BYTES, type Piece } from './hunt-block.ts';
import { ValueScan } from './value-scan.ts';

/** Blocks of the values that lie `depth` brackets deep: 0 for values one after the other, 1 for a list, 2 for a list in an object. */
export async function* cutValues(filler: BlockFiller, depth: number): AsyncGenerator<Piece> {
  const scan = new ValueScan(depth);
  while (!filler.isOver) {
    await filler.fill(filler.buffer.length);
    scan.advance(filler.buffer, filler.filled);
    if (filler.isOver) break;
    const done = scan.doneBytes;
    if (scan.count > 0) {
      const form = scan.take();
      scan.rebase(done);
      yield { kind: 'block', block: filler.cut(done, form) };
    } else if (done > 0) {
      yield passOver(scan);
      scan.rebase(done);
      filler.drop(done);
    } else if (!(await filler.fillMore())) yield await skipValue(filler, scan);
  }
  yield* finish(filler, scan);
}

/** Lines without a value, such as empty ones. */
function passOver(scan: ValueScan): Piece {
  return { kind: 'lines', lines: scan.openStart === -1 ? scan.line : scan.openLine };
}

async function* finish(filler: BlockFiller, scan: ValueScan): AsyncGenerator<Piece> {
  scan.advance(filler.buffer, filler.filled);
  const isBroken = scan.isInside && scan.openStart === -1;
  // A value that breaks off is decoded, too: there it is said what is wrong with it.
  scan.finish(filler.filled);
  const { line } = scan;
  if (scan.count > 0) yield { kind: 'block', block: filler.cut(filler.filled, scan.take()) };
  else yield { kind: 'lines', lines: line };
  if (isBroken) yield { kind: 'skipped', unread: { line: 0, reason: 'its list breaks off here: the end is missing' }, lines: 0 };
}

/** Passes over a value that is longer than a record may be. */
async function skipValue(filler: BlockFiller, scan: ValueScan): Promise<Piece> {
  while (scan.count === 0 && !(filler.isOver && filler.filled === 0)) {
    filler.drop(filler.filled);
    scan.forgetOpen();
    await filler.fill(filler.buffer.length);
    scan.advance(filler.buffer, filler.filled, 1);
  }
  scan.finish(0);
  const { lineCount } = scan.take() as { lineCount: number };
  const done = scan.doneBytes;
  scan.rebase(done);
  filler.drop(done);
  return {
    kind: 'skipped',
    unread: { line: 0, reason: `a value is longer than the ${MAX_RECORD_BYTES} bytes a record may have` },
    lines: lineCount,
  };
}
