/**
 * The second half of the member selector's module: makes short texts of the members that `select-members.ts` has found, whose constants and
 * places in memory it shares, and knows again the strings that come again.
 */

/**
 * Moves the bytes of `count` members of the output that are no bare words to `into` and behind it, one after the other, which may be the beginning
 * of the input. Strings lose their quotes and the escapes of one letter; those that are left with `\u` stay as they are written. Short ones that were moved
 * lately are KNOWN: nothing of them is moved. In the output stand now, in place of start and end: the slot of a string that is known or kept from now
 * on, else NO_SLOT; and how many bytes were moved.
 */
export function gather(count: i32, into: usize): void {
  let free = into;
  for (let i: i32 = 0; i < count; i++) {
    const record = output + ((<usize>i) << 4);
    let kind = load<i32>(record, 4);
    let slot = NO_SLOT;
    let length: usize = 0;
    if (kind != TRUE && kind != FALSE && kind != NULL) {
      const from = <usize>load<u32>(record, 8);
      const to = <usize>load<u32>(record, 12);
      if (kind == LETTERED) {
        length = unescape(free, from + 1, to - 1);
        kind = STRING;
      } else {
        const quote: usize = kind == STRING ? 1 : 0;
        length = to - from - 2 * quote;
        move(free, from + quote, length);
      }
      if (kind == STRING && length <= KEPT_BYTES && length > 0) {
        slot = slotOfText(free, length);
        if (wasKnown) {
          kind = KNOWN;
          length = 0;
        }
      }
    }
    store<i32>(record, kind, 4);
    store<i32>(record, slot, 8);
    store<u32>(record, <u32>length, 12);
    free += length;
  }
}

/** Strings that are kept: so many slots of 128 bytes, length and text. */
const KEPT_SLOTS: i32 = 512;
const KEPT_BYTES: usize = 124;
const NO_SLOT: i32 = -1;
let wasKnown: bool = false;

/** Slot of a text, which is kept there from now on; `wasKnown` says whether it was there. */
function slotOfText(text: usize, length: usize): i32 {
  let word: u64 = <u64>length * 0x9e3779b97f4a7c15;
  let at: usize = 0;
  for (; at + 8 <= length; at += 8) word = (word ^ load<u64>(text + at)) * 0xff51afd7ed558ccd;
  // What lies behind the text is shifted out.
  if (at < length) word = (word ^ (load<u64>(text + at) << (8 * (8 - (<u64>length & 7))))) * 0xc4ceb9fe1a85ec53;
  const slot = <i32>((word ^ (word >> 32)) >> 7) & (KEPT_SLOTS - 1);
  const entry = kept + ((<usize>slot) << 7);
  wasKnown = <usize>load<u32>(entry) == length && memory.compare(entry + 4, text, length) == 0;
  if (!wasKnown) {
    store<u32>(entry, <u32>length);
    memory.copy(entry + 4, text, length);
  }
  return slot;
}

/** Writes the inside of a string without its escapes, which are of one letter; its length. Never writes beyond what was read. */
function unescape(into: usize, from: usize, to: usize): usize {
  let at = from;
  let free = into;
  while (at < to) {
    const byte = load<u8>(at);
    if (byte != BACKSLASH) {
      store<u8>(free++, byte);
      at++;
      continue;
    }
    const letter = <i32>load<u8>(at + 1);
    store<u8>(free++, <u8>lettered(letter));
    at += 2;
  }
  return free - into;
}

/** Character that a letter behind a backslash stands for. */
function lettered(letter: i32): i32 {
  if (letter == 0x6e) return 0x0a;
  if (letter == 0x74) return 0x09;
  if (letter == 0x72) return 0x0d;
  if (letter == 0x62) return 0x08;
  return letter == 0x66 ? 0x0c : letter;
}

function move(into: usize, from: usize, length: usize): void {
  if (length > LONG) memory.copy(into, from, length);
  else moveShort(into, from, length);
}

/** Bytes from which on the runtime's own copy is faster. */
const LONG: usize = 64;

/** Forward, and never beyond what has been read already: both may overlap. */
function moveShort(into: usize, from: usize, length: usize): void {
  let moved: usize = 0;
  for (; moved + 8 <= length; moved += 8) store<u64>(into + moved, load<u64>(from + moved));
  for (; moved < length; moved++) store<u8>(into + moved, load<u8>(from + moved));
}
