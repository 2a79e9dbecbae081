/** Texts that many records name, each kept once: a record keeps its number. A text goes with the last that names it. */

/** What a text weighs beside its letters: its place in the map and the columns. */
const TEXT_BYTES = 100;

/** Texts by number. */
export class SharedTexts {
  readonly #numbers = new Map<string, number>();
  readonly #texts: string[] = [];
  readonly #references: number[] = [];
  readonly #free: number[] = [];
  #last = '';
  #lastNumber = -1;
  #bytes = 0;

  /** Rough bytes of all texts. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Number of a text that is named once more. */
  name(text: string): number {
    if (text !== this.#last || this.#lastNumber < 0) {
      this.#lastNumber = this.#numbers.get(text) ?? this.#add(text);
      this.#last = text;
    }
    this.#references[this.#lastNumber] = (this.#references[this.#lastNumber] as number) + 1;
    return this.#lastNumber;
  }

  /** Text of a number. */
  textOf(number: number): string {
    return this.#texts[number] ?? '';
  }

  /** Takes back one `name`. */
  release(number: number): void {
    const left = (this.#references[number] as number) - 1;
    this.#references[number] = left;
    if (left > 0) return;
    const text = this.#texts[number] as string;
    this.#numbers.delete(text);
    this.#texts[number] = '';
    this.#free.push(number);
    this.#bytes -= TEXT_BYTES + text.length;
    if (number === this.#lastNumber) this.#lastNumber = -1;
  }

  #add(text: string): number {
    const number = this.#free.pop() ?? this.#texts.length;
    this.#numbers.set(text, number);
    this.#texts[number] = text;
    this.#references[number] = 0;
    this.#bytes += TEXT_BYTES + text.length;
    return number;
  }
}
