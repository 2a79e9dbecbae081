/** The groups that were touched longest ago, one after the other; all are looked at once for many that go. */
import type { GroupColumns } from './group-columns.ts';

/** Finds the next to be forgotten. */
export class StalestGroups {
  readonly #columns: GroupColumns<unknown>;
  /** From the end, with the turn they were touched in when that was found out. */
  #oldest: { readonly group: number; readonly touched: number }[] = [];

  constructor(columns: GroupColumns<unknown>) {
    this.#columns = columns;
  }

  /** The group touched longest ago; undefined where there is none. It is for the caller to forget it. */
  next(): number | undefined {
    for (let isNew = false; ; ) {
      const next = this.#oldest.pop();
      // Touched since: then it is younger than everything in the list, and found again when the list is made anew.
      if (next !== undefined && this.#columns.touched[next.group] === next.touched) return next.group;
      if (next !== undefined) continue;
      if (isNew) return undefined;
      isNew = true;
      this.#oldest = [...this.#columns.all()].map((group) => ({ group, touched: this.#columns.touched[group] as number }));
      this.#oldest.sort((a, b) => b.touched - a.touched);
    }
  }
}
