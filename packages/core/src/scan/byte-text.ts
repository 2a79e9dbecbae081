/** Bytes as text that can be a key or be sorted: each byte as the character of its number. */

const PIECE = 4096;

/** Text of bytes, in pieces: a call takes only so many arguments. */
export function byteText(bytes: Uint8Array): string {
  if (bytes.length <= PIECE) return textOf(bytes);
  let text = '';
  for (let at = 0; at < bytes.length; at += PIECE) text += textOf(bytes.subarray(at, at + PIECE));
  return text;
}

/** Not spread: that goes over the bytes one by one. */
function textOf(bytes: Uint8Array): string {
  return Reflect.apply(String.fromCharCode, undefined, bytes as unknown as readonly number[]);
}
