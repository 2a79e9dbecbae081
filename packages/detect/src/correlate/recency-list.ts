/** Items in the order of last touch, linked through the items themselves: touching one costs a few pointers, whatever their number. */

/** An item of a list; the links are the list's own. */
export interface Linked<T> {
  older: T | undefined;
  newer: T | undefined;
}

/** A list of items; iterates from the one touched longest ago, and may be changed meanwhile by removing the item at hand. */
export class RecencyList<T extends Linked<T>> implements Iterable<T> {
  #oldest: T | undefined;
  #newest: T | undefined;

  add(item: T): void {
    item.older = this.#newest;
    item.newer = undefined;
    if (this.#newest === undefined) this.#oldest = item;
    else this.#newest.newer = item;
    this.#newest = item;
  }

  remove(item: T): void {
    if (item.older === undefined) this.#oldest = item.newer;
    else item.older.newer = item.newer;
    if (item.newer === undefined) this.#newest = item.older;
    else item.newer.older = item.older;
    item.older = undefined;
    item.newer = undefined;
  }

  touch(item: T): void {
    if (item === this.#newest) return;
    this.remove(item);
    this.add(item);
  }

  *[Symbol.iterator](): Generator<T> {
    for (let item = this.#oldest; item !== undefined; ) {
      const { newer } = item;
      yield item;
      item = newer;
    }
  }
}
