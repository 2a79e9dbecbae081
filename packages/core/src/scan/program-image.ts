/** Programs as bytes for a cache or another thread, and back. The form is this version's own and promised to no other. */

import type { ProgramImage } from './image-memory.ts';
import { GROUP_BYTES, P_GROUP_COUNT, P_GROUPS, PROGRAM_BYTES } from './machine/layout.data.ts';

const MAGIC = 0x0131_4d49;
const HEAD_BYTES = 12;

/** Bytes of a program. */
export function encodeImage({ bytes, links }: ProgramImage): Uint8Array<ArrayBuffer> {
  const encoded = new Uint8Array(HEAD_BYTES + bytes.length + links.byteLength);
  new Uint32Array(encoded.buffer, 0, 3).set([MAGIC, bytes.length, links.length]);
  encoded.set(bytes, HEAD_BYTES);
  encoded.set(new Uint8Array(links.buffer, links.byteOffset, links.byteLength), HEAD_BYTES + bytes.length);
  return encoded;
}

/**
 * What `encodeImage` was given. That the bytes are the ones that were written is for whoever kept them to say; looked at here is only what
 * would make a scanner reach outside the program before it runs. @throws RangeError on other bytes
 */
export function decodeImage(encoded: Uint8Array): ProgramImage {
  // Words must be aligned, wherever the bytes lay.
  const isAligned = encoded.byteOffset % 4 === 0 && encoded.buffer instanceof ArrayBuffer;
  const own = isAligned ? (encoded as Uint8Array<ArrayBuffer>) : new Uint8Array(encoded);
  if (own.length < HEAD_BYTES) throw new RangeError('the program is cut off');
  const [magic, length = 0, count = 0] = new Uint32Array(own.buffer, own.byteOffset, 3);
  if (magic !== MAGIC || length % 4 !== 0 || own.length !== HEAD_BYTES + length + count * 4) throw new RangeError('this is no program');
  const image: ProgramImage = {
    bytes: new Uint8Array(own.buffer, own.byteOffset + HEAD_BYTES, length),
    links: new Uint32Array(own.buffer, own.byteOffset + HEAD_BYTES + length, count),
  };
  checkLinks(image);
  return image;
}

function checkLinks({ bytes, links }: ProgramImage): void {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  for (const link of links) {
    const offset = words[link >> 2] ?? -1;
    if (link % 4 !== 0 || offset <= 0 || offset > bytes.length) throw new RangeError('the program leads outside itself');
  }
  const groups = (words[P_GROUPS >> 2] ?? 0) + (words[P_GROUP_COUNT >> 2] ?? 0) * GROUP_BYTES;
  if (bytes.length < PROGRAM_BYTES || groups > bytes.length) throw new RangeError('the program leads outside itself');
}
