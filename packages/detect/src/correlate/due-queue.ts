/** A queue ordered by due time: a binary heap, so that a watermark finds what it makes due without looking at the rest. */

/** Entries by due time, equal times by name: so that a replay takes them alike, and one that goes on from a checkpoint too. */
export class DueQueue<T> {
  /** One heap over two arrays: an object for each entry would weigh more than the entry. */
  readonly #dueMs: number[] = [];
  readonly #items: T[] = [];
  readonly #nameOf: (item: T) => string;

  constructor(nameOf: (item: T) => string) {
    this.#nameOf = nameOf;
  }

  get size(): number {
    return this.#items.length;
  }

  add(dueMs: number, item: T): void {
    this.#dueMs.push(dueMs);
    this.#items.push(item);
    this.#rise(this.#items.length - 1);
  }

  /** Takes the entry that is due first, if it is due by `untilMs`. */
  takeDue(untilMs: number): { readonly item: T; readonly dueMs: number } | undefined {
    const first = this.#items[0];
    const dueMs = this.#dueMs[0] as number;
    if (first === undefined || dueMs > untilMs) return undefined;
    const last = this.#items.length - 1;
    this.#swap(0, last);
    this.#dueMs.pop();
    this.#items.pop();
    this.#sink();
    return { item: first, dueMs };
  }

  /** Drops every entry that does not satisfy `isKept`. */
  keep(isKept: (item: T, dueMs: number) => boolean): void {
    const kept = this.#items
      .map((item, at) => ({ item, dueMs: this.#dueMs[at] as number }))
      .filter(({ item, dueMs }) => isKept(item, dueMs));
    for (const list of [this.#dueMs, this.#items]) list.length = 0;
    for (const { item, dueMs } of kept) this.add(dueMs, item);
  }

  #isBefore(a: number, b: number): boolean {
    const [dueA, dueB] = [this.#dueMs[a] as number, this.#dueMs[b] as number];
    return dueA < dueB || (dueA === dueB && this.#nameOf(this.#items[a] as T) < this.#nameOf(this.#items[b] as T));
  }

  #rise(start: number): void {
    for (let at = start; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(): void {
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const right = left + 1;
      let least = at;
      if (left < this.#items.length && this.#isBefore(left, least)) least = left;
      if (right < this.#items.length && this.#isBefore(right, least)) least = right;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #swap(a: number, b: number): void {
    const dueMs = this.#dueMs[a] as number;
    this.#dueMs[a] = this.#dueMs[b] as number;
    this.#dueMs[b] = dueMs;
    const item = this.#items[a] as T;
    this.#items[a] = this.#items[b] as T;
    this.#items[b] = item;
  }
}
