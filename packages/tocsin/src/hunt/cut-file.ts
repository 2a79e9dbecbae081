/** What kind of log a file is, by how it begins and never by its name, and how it is cut. */
import { isEvtx, looksLikeZeek, sniffCsv } from '@tocsin/ingest/read';
import { BlockFiller } from './block-filler.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { ByteSource } from './byte-source.ts';
import { cutCsv } from './cut-csv.ts';
import { cutEvtx } from './cut-evtx.ts';
import { cutLines } from './cut-lines.ts';
import { cutValues } from './cut-values.ts';
import { cutZeek } from './cut-zeek.ts';
import type { Piece } from './hunt-block.ts';

/** How much of a file is looked at. */
const LOOK_BYTES = 64 * 1024;

/** Pieces of a file, in order. Buffers of blocks belong to whoever takes them and go back to the pool. @throws cli.unreadable */
export async function* cutFile(source: ByteSource, pool: BufferPool): AsyncGenerator<Piece> {
  const filler = new BlockFiller(source, pool);
  try {
    await filler.fill(LOOK_BYTES);
    yield* cutByLooks(filler);
  } finally {
    filler.close();
  }
}

function cutByLooks(filler: BlockFiller): AsyncGenerator<Piece> {
  const bytes = filler.buffer.subarray(0, Math.min(filler.filled, LOOK_BYTES));
  if (isEvtx(bytes)) return cutEvtx(filler);
  const head = new TextDecoder().decode(bytes, { stream: true });
  const text = head.trimStart();
  if (/^\[\s*(?:[[{\]]|$)/.test(text)) return cutValues(filler, 1);
  if (/^\{\s*"Records"\s*:\s*\[/.test(text)) return cutValues(filler, 2);
  if (text.startsWith('{')) return isOnePerLine(text) ? cutLines(filler, { kind: 'lines' }) : cutValues(filler, 0);
  if (looksLikeZeek(text)) return cutZeek(filler);
  const csv = sniffCsv(head);
  return csv === undefined ? cutLines(filler, { kind: 'lines' }) : cutCsv(filler, csv);
}

/** Whether objects stand one per line: the first line is a whole one, or what follows it begins another. */
function isOnePerLine(text: string): boolean {
  const [line = '', next] = text.split(/\r?\n/, 2);
  if (next === undefined) return true;
  return next.startsWith('{') || isJson(line);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // the one thing that JSON.parse throws for: no JSON
  }
}
