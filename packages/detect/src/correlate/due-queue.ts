/** A queue ordered by due time: a binary heap, so that a watermark finds what it makes due without looking at the rest. */

/** Entries by due time; equal times in the order they were added, so that a replay takes them alike. */
export interface DueQueue<T> {
  readonly size: number;
  add(dueMs: number, item: T): void;
  /** Takes the entry that is due first, if it is due by `untilMs`. */
  takeDue(untilMs: number): T | undefined;
  /** Drops every entry that does not satisfy `isKept`. */
  keep(isKept: (item: T) => boolean): void;
}

interface Slot<T> {
  readonly dueMs: number;
  readonly order: number;
  readonly item: T;
}

/** An empty queue. */
export function createDueQueue<T>(): DueQueue<T> {
  const heap: Slot<T>[] = [];
  let order = 0;
  return {
    get size() {
      return heap.length;
    },
    add: (dueMs, item) => {
      heap.push({ dueMs, order: order++, item });
      rise(heap, heap.length - 1);
    },
    takeDue: (untilMs) => {
      const first = heap[0];
      if (first === undefined || first.dueMs > untilMs) return undefined;
      const last = heap.pop() as Slot<T>;
      if (heap.length > 0) {
        heap[0] = last;
        sink(heap, 0);
      }
      return first.item;
    },
    keep: (isKept) => {
      const kept = heap.filter((slot) => isKept(slot.item)).sort((a, b) => (before(a, b) ? -1 : 1));
      // A sorted list is a heap.
      heap.length = 0;
      for (const slot of kept) heap.push(slot);
    },
  };
}

function before<T>(a: Slot<T>, b: Slot<T>): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

function rise<T>(heap: Slot<T>[], start: number): void {
  for (let at = start; at > 0; ) {
    const parent = (at - 1) >> 1;
    if (!before(heap[at] as Slot<T>, heap[parent] as Slot<T>)) return;
    swap(heap, at, parent);
    at = parent;
  }
}

function sink<T>(heap: Slot<T>[], start: number): void {
  for (let at = start; ; ) {
    const left = 2 * at + 1;
    const right = left + 1;
    let least = at;
    if (left < heap.length && before(heap[left] as Slot<T>, heap[least] as Slot<T>)) least = left;
    if (right < heap.length && before(heap[right] as Slot<T>, heap[least] as Slot<T>)) least = right;
    if (least === at) return;
    swap(heap, at, least);
    at = least;
  }
}

function swap<T>(heap: Slot<T>[], a: number, b: number): void {
  const kept = heap[a] as Slot<T>;
  heap[a] = heap[b] as Slot<T>;
  heap[b] = kept;
}
