/** Where values begin and end in bytes that come one by one: JSON by brackets and quotes, events in XML by their closing tag. */

/** Told of each byte. `ends`: this byte is the value's last; `ended`: the one before was. */
export interface Scan {
  readonly isOpen: boolean;
  step(byte: number): 'begins' | 'ends' | 'ended' | undefined;
}

/** JSON values that lie `target` brackets deep. What stands between them is passed over where it is white space, commas or the list's own brackets. */
export function createValueScan(target: 0 | 1): Scan {
  return new JsonScan(target);
}

/** `<Event …>…</Event>`, whatever stands between two of them. */
export function createXmlScan(): Scan {
  let matched = 0;
  let isOpen = false;
  return {
    get isOpen() {
      return isOpen;
    },
    step: (byte) => {
      if (!isOpen) {
        // `<Events>` around them and `<?xml …?>` before them are no events: what follows the name tells.
        if (matched === OPENING.length && BEHIND_NAME.has(byte)) {
          isOpen = true;
          matched = 0;
          return undefined;
        }
        const next = byte === OPENING[matched] ? matched + 1 : byte === OPENING[0] ? 1 : 0;
        const begins = next === 1;
        matched = next;
        return begins ? 'begins' : undefined;
      }
      matched = byte === CLOSING[matched] ? matched + 1 : byte === CLOSING[0] ? 1 : 0;
      if (matched < CLOSING.length) return undefined;
      isOpen = false;
      matched = 0;
      return 'ends';
    },
  };
}

const OPENING = [...'<Event'].map((char) => char.charCodeAt(0));
/** White space and `>`. */
const BEHIND_NAME: ReadonlySet<number> = new Set([0x20, 0x3e, 0x0a, 0x0d, 0x09]);
const CLOSING = [...'</Event>'].map((char) => char.charCodeAt(0));

class JsonScan implements Scan {
  readonly #target: number;
  #depth = 0;
  #inString = false;
  #isEscaped = false;
  #isScalar = false;

  constructor(target: number) {
    this.#target = target;
  }

  get isOpen(): boolean {
    return this.#depth > this.#target || this.#isScalar || (this.#inString && this.#depth === this.#target);
  }

  step(byte: number): 'begins' | 'ends' | 'ended' | undefined {
    if (this.#inString) return this.#withinString(byte);
    if (byte === QUOTE) return this.#openString();
    if (byte === OPEN_OBJECT || byte === OPEN_LIST) return this.#open();
    if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) return this.#close();
    return this.#outside(byte);
  }

  #withinString(byte: number): 'ends' | undefined {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) {
      this.#inString = false;
      if (this.#depth === this.#target && !this.#isScalar) return 'ends';
    }
    return undefined;
  }

  #openString(): 'begins' | undefined {
    this.#inString = true;
    return this.#depth === this.#target && !this.#isScalar ? 'begins' : undefined;
  }

  #open(): 'begins' | undefined {
    this.#isScalar = false;
    return this.#depth++ === this.#target ? 'begins' : undefined;
  }

  #close(): 'ends' | 'ended' | undefined {
    const wasScalar = this.#isScalar;
    this.#isScalar = false;
    if (this.#depth > 0) this.#depth--;
    if (wasScalar) return 'ended';
    return this.#depth === this.#target && this.#target + 1 > 0 && !(this.#target === 1 && this.#depth === 0) ? 'ends' : undefined;
  }

  #outside(byte: number): 'begins' | 'ended' | undefined {
    if (this.#depth !== this.#target) return undefined;
    const isBetween = byte === COMMA || byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
    if (isBetween && this.#isScalar) {
      this.#isScalar = false;
      return 'ended';
    }
    if (isBetween || this.#isScalar) return undefined;
    this.#isScalar = true;
    return 'begins';
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const COMMA = 0x2c;
