/** STRUCTURED-DATA of RFC 5424 (6.3): `-`, or `[id name="value"…]` once or several times. Values are escaped by `\`. */

/** Elements by id, their parameters by name. A parameter that is there several times is a list. Without prototype: names are the sender's. */
export type StructuredData = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

/** Structured data in a text. */
export interface ReadData {
  /** Undefined where there is none (`-`). */
  readonly elements: StructuredData | undefined;
  /** Index of the space before the message, or the end of the text. */
  readonly end: number;
}

/** Parameters of one message at most; beyond them the text is no structured data. */
const MAX_PARAMETERS = 1000;

const SPACE = 0x20;
const QUOTE = 0x22;
const DASH = 0x2d;
const EQUALS = 0x3d;
const OPEN = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE = 0x5d;

/** Structured data at `at`; undefined where what stands there is none, or breaks off. */
export function readStructuredData(text: string, at: number): ReadData | undefined {
  if (text.charCodeAt(at) === DASH) return isEnd(text, at + 1) ? { elements: undefined, end: at + 1 } : undefined;
  if (text.charCodeAt(at) !== OPEN) return undefined;
  const reader = new DataReader(text, at);
  while (text.charCodeAt(reader.at) === OPEN) if (!reader.readElement()) return undefined;
  return isEnd(text, reader.at) ? { elements: reader.elements, end: reader.at } : undefined;
}

function isEnd(text: string, at: number): boolean {
  return at >= text.length || text.charCodeAt(at) === SPACE;
}

type Parameters = Record<string, string | string[]>;

/** Members whose names are the sender's: without any prototype's, as `Object.create(null)`, but made and filled in a fraction of its time. */
const Bag = function Bag() {} as unknown as new () => Record<string, never>;
Bag.prototype = Object.freeze(Object.create(null));

class DataReader {
  readonly elements: Record<string, Parameters> = new Bag();
  at: number;
  readonly #text: string;
  #parameters = 0;

  constructor(text: string, at: number) {
    this.#text = text;
    this.at = at;
  }

  /** Reads `[id name="value"…]`; false where it is none. */
  readElement(): boolean {
    const id = this.#readName(this.at + 1);
    if (id === undefined) return false;
    // Elements of one id are one: RFC 5424 forbids to repeat it, and nothing may be lost where it is.
    const parameters = (this.elements[id] ??= new Bag());
    while (this.#text.charCodeAt(this.at) === SPACE) if (!this.#readParameter(parameters)) return false;
    if (this.#text.charCodeAt(this.at) !== CLOSE) return false;
    this.at += 1;
    return true;
  }

  #readParameter(parameters: Parameters): boolean {
    while (this.#text.charCodeAt(this.at) === SPACE) this.at += 1;
    if (this.#text.charCodeAt(this.at) === CLOSE) return true;
    const name = this.#readName(this.at);
    if (name === undefined || !this.#text.startsWith('="', this.at) || ++this.#parameters > MAX_PARAMETERS) return false;
    const value = this.#readValue(this.at + 2);
    if (value === undefined) return false;
    const known = parameters[name];
    if (known === undefined) parameters[name] = value;
    else if (typeof known === 'string') parameters[name] = [known, value];
    else known.push(value);
    return true;
  }

  /** A name up to space, `=`, `]` or `"`, none of which it may hold. */
  #readName(from: number): string | undefined {
    const text = this.#text;
    let end = from;
    for (let unit = text.charCodeAt(end); unit > SPACE && unit !== EQUALS && unit !== CLOSE && unit !== QUOTE; unit = text.charCodeAt(end))
      end++;
    this.at = end;
    return end === from ? undefined : text.slice(from, end);
  }

  /** A value up to its closing quote. A `]` that is not escaped does not end it: many do not escape. */
  #readValue(from: number): string | undefined {
    const text = this.#text;
    let end = from;
    let isEscaped = false;
    for (; end < text.length && text.charCodeAt(end) !== QUOTE; end++) {
      if (text.charCodeAt(end) !== BACKSLASH) continue;
      isEscaped = true;
      end++;
    }
    if (end >= text.length) return undefined;
    this.at = end + 1;
    const raw = text.slice(from, end);
    // A backslash before anything else is itself (RFC 5424, 6.3.3).
    return isEscaped ? raw.replace(/\\(["\\\]])/g, '$1') : raw;
  }
}
