/** Whether a text is worth decoding: asked of every line that comes in, so it is one walk over its characters. */

/** A percent sign, an entity, an escape, a letter beyond ASCII, or a word as long as base64 that is worth it. */
export function mayHide(text: string): boolean {
  let word = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < FIRST_VISIBLE || code > LAST_VISIBLE) return true;
    if (isOfWord[code] === 1) {
      word += 1;
      if (word === MIN_WORD) return true;
      continue;
    }
    word = 0;
    const follows = MAY_FOLLOW.get(code);
    if (follows?.test(text.slice(i + 1, i + 1 + LONGEST_SIGN)) === true) return true;
  }
  return false;
}

const FIRST_VISIBLE = 0x20;
const LAST_VISIBLE = 0x7e;
/** As `decode-base64.ts` has it. */
const MIN_WORD = 20;
/** Characters behind `%`, `&` or `\` that tell. */
const LONGEST_SIGN = 5;

const MAY_FOLLOW: ReadonlyMap<number, RegExp> = new Map(
  [
    ['%', /^(?:[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})/],
    ['&', /^[#a-zA-Z]/],
    ['\\', /^[ux0-7]/],
  ].map(([sign, follows]) => [(sign as string).charCodeAt(0), follows as RegExp]),
);

/** Characters of base64 in both its alphabets, by code. */
const isOfWord = Uint8Array.from({ length: 128 }, (_, code) => (/[A-Za-z0-9+/_-]/.test(String.fromCharCode(code)) ? 1 : 0));
