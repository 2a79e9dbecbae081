/** CSV (RFC 4180, also with semicolons or tabs) as blocks of whole rows: the head is read here, the rows where they are judged. */
import type { CsvHead } from '@tocsin/ingest/read';
import type { BlockFiller } from './block-filler.ts';
import { MAX_RECORD_BYTES, type Piece } from './hunt-block.ts';

const LF = 0x0a;
const QUOTE = 0x22;

/** Blocks of rows. A row may hold line ends within quotes. */
export async function* cutCsv(filler: BlockFiller, head: CsvHead): AsyncGenerator<Piece> {
  const rows = new RowScan();
  let isHead = true;
  for (;;) {
    await filler.fill(filler.buffer.length);
    const end = isHead ? rows.firstEnd(filler.buffer, filler.filled) : rows.lastEnd(filler.buffer, filler.filled);
    const whole = filler.isOver && end === 0 ? filler.filled : end;
    if (whole > 0 && isHead) {
      isHead = false;
      yield { kind: 'lines', lines: countLines(filler.buffer, whole) };
      filler.drop(whole);
    } else if (whole > 0) yield { kind: 'block', block: filler.cut(filler.isOver ? filler.filled : whole, { kind: 'csv', head }) };
    else if (filler.isOver) return;
    else if (!(await filler.fillMore())) {
      // A quote that is never closed takes everything behind it with it; to go on after it would be a guess.
      yield {
        kind: 'skipped',
        unread: { line: 0, reason: `a row is longer than ${MAX_RECORD_BYTES} bytes; a quote may not be closed` },
        lines: 1,
      };
      return;
    }
    rows.restart();
  }
}

/** Where rows end: at line ends outside quotes. */
class RowScan {
  #inQuotes = false;

  restart(): void {
    this.#inQuotes = false;
  }

  firstEnd(bytes: Uint8Array, length: number): number {
    for (let at = 0; at < length; at++) {
      if (bytes[at] === QUOTE) this.#inQuotes = !this.#inQuotes;
      else if (bytes[at] === LF && !this.#inQuotes) return at + 1;
    }
    return 0;
  }

  lastEnd(bytes: Uint8Array, length: number): number {
    let end = 0;
    for (let at = 0; at < length; at++) {
      if (bytes[at] === QUOTE) this.#inQuotes = !this.#inQuotes;
      else if (bytes[at] === LF && !this.#inQuotes) end = at + 1;
    }
    return end;
  }
}

function countLines(bytes: Uint8Array, length: number): number {
  let lines = 0;
  for (let at = 0; at < length; at++) if (bytes[at] === LF) lines += 1;
  return lines;
}
