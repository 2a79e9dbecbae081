/** Bytes as text that can be a key or be sorted: each byte as the character of its number. */

const PIECE = 4096;

/** Text of bytes, in pieces: a call takes only so many arguments. */
export function byteText(bytes: Uint8Array): string {
  if (bytes.length <= PIECE) return String.fromCharCode(...bytes);
  let text = '';
  for (let at = 0; at < bytes.length; at += PIECE) text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  return text;
}
