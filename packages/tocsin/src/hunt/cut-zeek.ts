/** Zeek's own text logs (Zeek manual, "Zeek Log Formats") as blocks of whole lines, each with the head that was in force. */
import { NO_ZEEK_HEAD, readZeekHead } from '@tocsin/ingest/read';
import type { BlockFiller } from './block-filler.ts';
import { MAX_RECORD_BYTES, type Piece } from './hunt-block.ts';

const LF = 0x0a;
const HASH = 0x23;
const NEXT_HEAD = Buffer.from('\n#');
/** Blocks of lines between the lines that begin with `#`, which say what follows. */
export async function* cutZeek(filler: BlockFiller): AsyncGenerator<Piece> {
  let log = NO_ZEEK_HEAD;
  for (;;) {
    await filler.fill(filler.buffer.length);
    const end = endOfPart(filler);
    if (end > 0 && filler.buffer[0] === HASH) {
      log = readZeekHead(
        Buffer.from(filler.buffer.buffer, 0, end)
          .toString('utf8')
          .replace(/\r?\n$/, ''),
        log,
      );
      filler.drop(end);
      yield { kind: 'lines', lines: 1 };
    } else if (end > 0) yield { kind: 'block', block: filler.cut(end, { kind: 'zeek', log }) };
    else if (filler.isOver) return;
    else if (!(await filler.fillMore())) {
      yield { kind: 'skipped', unread: { line: 0, reason: `a line is longer than ${MAX_RECORD_BYTES} bytes` }, lines: 1 };
      return;
    }
  }
}

/** End of the head line that stands at the front, or of the whole lines before the next one. */
function endOfPart({ buffer, filled, isOver }: BlockFiller): number {
  const bytes = Buffer.from(buffer.buffer, 0, filled);
  if (bytes[0] === HASH) {
    const end = bytes.indexOf(LF) + 1;
    return end === 0 && isOver ? filled : end;
  }
  const head = bytes.indexOf(NEXT_HEAD);
  if (head !== -1) return head + 1;
  return isOver ? filled : bytes.lastIndexOf(LF) + 1;
}
