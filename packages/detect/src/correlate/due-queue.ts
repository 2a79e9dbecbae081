/** A queue ordered by due time: a binary heap, so that a watermark finds what it makes due without looking at the rest. */

/** Entries by due time; equal times in the order they were added, so that a replay takes them alike. */
export class DueQueue<T> {
  /** One heap over three arrays: an object for each entry would weigh more than the entry. */
  readonly #dueMs: number[] = [];
  readonly #orders: number[] = [];
  readonly #items: T[] = [];
  #order = 0;

  get size(): number {
    return this.#items.length;
  }

  add(dueMs: number, item: T): void {
    this.#dueMs.push(dueMs);
    this.#orders.push(this.#order++);
    this.#items.push(item);
    this.#rise(this.#items.length - 1);
  }

  /** Takes the entry that is due first, if it is due by `untilMs`. */
  takeDue(untilMs: number): T | undefined {
    const first = this.#items[0];
    if (first === undefined || (this.#dueMs[0] as number) > untilMs) return undefined;
    const last = this.#items.length - 1;
    this.#swap(0, last);
    this.#dueMs.pop();
    this.#orders.pop();
    this.#items.pop();
    this.#sink();
    return first;
  }

  /** Drops every entry that does not satisfy `isKept`. */
  keep(isKept: (item: T) => boolean): void {
    const kept = this.#items.map((item, at) => ({ item, dueMs: this.#dueMs[at] as number, order: this.#orders[at] as number }));
    // A sorted list is a heap.
    const sorted = kept.filter(({ item }) => isKept(item)).sort((a, b) => a.dueMs - b.dueMs || a.order - b.order);
    for (const list of [this.#dueMs, this.#orders, this.#items]) list.length = sorted.length;
    for (const [at, { item, dueMs, order }] of sorted.entries()) {
      this.#dueMs[at] = dueMs;
      this.#orders[at] = order;
      this.#items[at] = item;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [dueA, dueB] = [this.#dueMs[a] as number, this.#dueMs[b] as number];
    return dueA < dueB || (dueA === dueB && (this.#orders[a] as number) < (this.#orders[b] as number));
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
    for (const list of [this.#dueMs, this.#orders]) {
      const kept = list[a] as number;
      list[a] = list[b] as number;
      list[b] = kept;
    }
    const item = this.#items[a] as T;
    this.#items[a] = this.#items[b] as T;
    this.#items[b] = item;
  }
}
