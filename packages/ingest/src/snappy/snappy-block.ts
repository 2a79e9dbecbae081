/**
 * Decompresses Snappy's block format, bounded: the announced length is held against the limit before anything is allocated, and every copy against
 * what was written. Linear in the output. Our own, because packages with native code are not served for all platforms and the format is a page.
 * Source: google/snappy, `format_description.txt`.
 */
import { TocsinError } from '@tocsin/core';

/** The plain bytes of a block. @throws ingest.body_too_large beyond `maxBytes`, ingest.bad_encoding where it is no Snappy block */
export function decompressSnappy(block: Uint8Array, maxBytes: number): Buffer {
  const { length, at } = readLength(block);
  if (length > maxBytes) throw new TocsinError('ingest.body_too_large', { what: 'bytes after decompression', max: maxBytes });
  // An element of three bytes makes 64 at most: a block that announces more than it can hold asks for memory for nothing.
  if (length > (block.length - at) * MAX_EXPANSION) throw bad('it announces more bytes than it can hold');
  const out = Buffer.allocUnsafe(length);
  const written = readElements(block, at, out);
  if (written !== length) throw bad(`it announces ${length} bytes and holds ${written}`);
  return out;
}

const MAX_EXPANSION = 22;

function readLength(block: Uint8Array): { length: number; at: number } {
  let length = 0;
  for (let at = 0; at < 5; at++) {
    const byte = block[at];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return { length, at: at + 1 };
  }
  throw bad('its length is malformed');
}

function readElements(block: Uint8Array, from: number, out: Buffer): number {
  let at = from;
  let to = 0;
  while (at < block.length) {
    const tag = block[at++] as number;
    if ((tag & 3) === 0) {
      const extra = Math.max(0, (tag >>> 2) - 59);
      const length = (extra === 0 ? tag >>> 2 : littleEndian(block, at, extra)) + 1;
      at += extra;
      if (length > block.length - at || length > out.length - to) throw bad('a literal is longer than what is left');
      out.set(block.subarray(at, at + length), to);
      at += length;
      to += length;
      continue;
    }
    const { length, offset, size } = copyOf(block, at, tag);
    at += size;
    if (offset === 0 || offset > to || length > out.length - to) throw bad('a copy points outside of what was written');
    copy(out, { to, offset, length });
    to += length;
  }
  return to;
}

/** A copy element: how many bytes, from how far back, and how many bytes of the block it takes after its tag. */
function copyOf(block: Uint8Array, at: number, tag: number): { length: number; offset: number; size: number } {
  switch (tag & 3) {
    case 1:
      return { length: ((tag >>> 2) & 7) + 4, offset: ((tag >>> 5) << 8) | littleEndian(block, at, 1), size: 1 };
    case 2:
      return { length: (tag >>> 2) + 1, offset: littleEndian(block, at, 2), size: 2 };
    default:
      return { length: (tag >>> 2) + 1, offset: littleEndian(block, at, 4), size: 4 };
  }
}

function copy(out: Buffer, { to, offset, length }: { to: number; offset: number; length: number }): void {
  if (offset >= length) {
    out.copyWithin(to, to - offset, to - offset + length);
    return;
  }
  // Source and target overlap: what is written is read again, which makes the pattern repeat.
  for (let i = 0; i < length; i++) out[to + i] = out[to + i - offset] as number;
}

function littleEndian(block: Uint8Array, at: number, bytes: number): number {
  if (at + bytes > block.length) throw bad('an element is cut off');
  let value = 0;
  for (let i = bytes - 1; i >= 0; i--) value = value * 256 + (block[at + i] as number);
  return value;
}

function bad(reason: string): TocsinError {
  return new TocsinError('ingest.bad_encoding', { encoding: 'snappy', reason });
}
