/** UTF-16, as PowerShell and Windows tools write it, as UTF-8: told by the mark at the beginning. Whatever begins otherwise passes as it is. */

/** Whether bytes begin with the mark of UTF-16, and of which order; undefined where they do not. */
export function wideMarkOf(head: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  return head[0] === 0xfe && head[1] === 0xff ? 'utf-16be' : undefined;
}

/** Pieces as UTF-8, without the mark where they were UTF-16; half letters become U+FFFD. Holds one piece, and at most one byte before it. */
export async function* asUtf8(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  let isTold = false;
  let held: Uint8Array = new Uint8Array(0);
  for await (const piece of pieces) {
    let bytes = piece;
    if (!isTold) {
      bytes = held.length === 0 ? piece : Buffer.concat([held, piece]);
      if (bytes.length < 2) {
        held = bytes.slice();
        continue;
      }
      isTold = true;
      const mark = wideMarkOf(bytes);
      decoder = mark === undefined ? undefined : new TextDecoder(mark);
    }
    if (decoder === undefined) yield bytes;
    else yield encoder.encode(decoder.decode(bytes, { stream: true }));
  }
  if (!isTold && held.length > 0) yield held;
  const rest = decoder?.decode() ?? '';
  if (rest !== '') yield encoder.encode(rest);
}
