/**
 * Columns of text of a frame under construction: a dictionary per column, filled record by record, and lists of texts. What most records of a
 * frame lack costs a look at each of them and nothing else. The layout is docs/reference/wire.md.
 */
import { writeUint32 } from './int64.ts';

/** Number of distinct texts, index per record (0: absent, else 1 + place), then the texts. */
export class DictionaryColumn {
  readonly tag: number;
  readonly #records: number;
  /** Of every record; made with the first text. */
  #indexes: Uint8Array | undefined;
  #places: Map<string, number> | undefined;
  #lastText: string | undefined;
  #lastIndex = 0;

  /** A column of so many records, none of which has a text yet. */
  constructor(tag: number, records: number) {
    this.tag = tag;
    this.#records = records;
  }

  /** The text of a record; asked once for each, in any order. */
  put(record: number, text: string | undefined): void {
    if (text === undefined) return;
    const indexes = (this.#indexes ??= new Uint8Array(this.#records * 2));
    if (text !== this.#lastText) {
      this.#lastIndex = this.#placeOf(text);
      this.#lastText = text;
    }
    indexes[record * 2] = this.#lastIndex;
    indexes[record * 2 + 1] = this.#lastIndex >>> 8;
  }

  /** The column's bytes; undefined where no record has a text. */
  bytes(): Uint8Array | undefined {
    if (this.#indexes === undefined || this.#places === undefined) return undefined;
    const list = encodeTexts([...this.#places.keys()]);
    const bytes = new Uint8Array(4 + this.#indexes.length + list.length);
    writeUint32(bytes, 0, this.#places.size);
    bytes.set(this.#indexes, 4);
    bytes.set(list, 4 + this.#indexes.length);
    return bytes;
  }

  #placeOf(text: string): number {
    const places = (this.#places ??= new Map());
    const known = places.get(text);
    if (known !== undefined) return known;
    const place = places.size + 1;
    places.set(text, place);
    return place;
  }
}

/** End offset of each text, then all of them in UTF-8. */
export function encodeTexts(values: readonly string[]): Uint8Array {
  const joined = values.join('');
  // With one byte per UTF-16 unit throughout, lengths are known without encoding each text.
  if (Buffer.byteLength(joined) !== joined.length) return encodeSeparately(values);
  const head = values.length * 4;
  const bytes = Buffer.allocUnsafeSlow(head + joined.length);
  let end = 0;
  let at = 0;
  for (const value of values) {
    end += value.length;
    writeUint32(bytes, at, end);
    at += 4;
  }
  bytes.write(joined, head, 'latin1');
  return bytes;
}

/** Text by text: two halves of a surrogate pair in neighbouring texts must not become one character. */
function encodeSeparately(values: readonly string[]): Uint8Array {
  const encoded = values.map((value) => Buffer.from(value));
  const head = Buffer.alloc(values.length * 4);
  let end = 0;
  encoded.forEach((text, i) => {
    end += text.length;
    writeUint32(head, i * 4, end);
  });
  return Buffer.concat([head, ...encoded]);
}
