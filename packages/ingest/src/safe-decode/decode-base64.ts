/** Words of base64 in a text, replaced by what they say where that is text: UTF-8, or UTF-16 as PowerShell's `-EncodedCommand` has it. */

/** Words shorter than this say too little to be told from any other. */
const MIN_WORD = 20;
/** Words decoded in one text. */
const MAX_WORDS = 64;

/** The text with its words of base64 decoded; the same text where there are none. */
export function decodeBase64(text: string): string {
  let count = 0;
  return text.replace(WORD, (word) => {
    if (count >= MAX_WORDS || !looksEncoded(word)) return word;
    count += 1;
    return readText(Buffer.from(word, 'base64')) ?? word;
  });
}

const WORD = /[A-Za-z0-9+/_-]{20,}={0,2}/g;

/** Paths and names are as long: base64 mixes cases or has digits, and its length is that of whole bytes. */
function looksEncoded(word: string): boolean {
  const bare = word.replace(/=+$/, '');
  if (bare.length < MIN_WORD || bare.length % 4 === 1) return false;
  return /[a-z]/.test(bare) && /[A-Z]/.test(bare) && !/^[a-z]+(?:[A-Z][a-z]+)*$/.test(bare);
}

function readText(bytes: Buffer): string | undefined {
  if (bytes.length < 4) return undefined;
  if (bytes[1] === 0 && bytes[3] === 0) return accept(bytes.subarray(0, bytes.length & ~1).toString('utf16le'));
  const text = bytes.toString('utf8');
  return text.includes('\ufffd') ? undefined : accept(text);
}

/** Text is what has no control characters but white space, and some letters. */
function accept(text: string): string | undefined {
  // oxlint-disable-next-line no-control-regex -- R9: control characters are what is looked for.
  return /[\0-\x08\x0e-\x1f\x7f]/.test(text) || !/[A-Za-z]{2}/.test(text) ? undefined : text;
}
