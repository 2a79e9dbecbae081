/** Pieces of a text that are replaced, all at once. Texts here are bytes as latin1: a byte is a character, so that what is not touched stays as it is. */

/** A piece and what comes in its place. */
export interface TextEdit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** The text after its edits, which may come in any order; of two that overlap the one that begins first says what comes instead of both. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  if (edits.length === 0) return text;
  let done = 0;
  let out = '';
  for (const { from, to, text: instead } of [...edits].sort((a, b) => a.from - b.from || b.to - a.to)) {
    if (from < done) {
      done = Math.max(done, to);
      continue;
    }
    out += text.slice(done, from) + instead;
    done = to;
  }
  return out + text.slice(done);
}

/** Text as the bytes of its UTF-8, one character each. */
export function toBytesText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** Text of such bytes. */
export function fromBytesText(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
