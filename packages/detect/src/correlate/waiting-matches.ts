/** The first matches of a window that is not (yet) an episode: kept so that the alert can show what led to it. */
import { MAX_EVIDENCE } from './episode.ts';
import { weighMatch } from './fold.ts';
import type { RememberedMatch } from './held-match.ts';

/** Matches remembered per group. */
export const MAX_WAITING = MAX_EVIDENCE;

/** A few matches of one group. */
export class WaitingMatches {
  #list: RememberedMatch[];
  /** Time of the first of them, so that nearly every question needs no look at it; Infinity where there is none. */
  #firstMs = Number.POSITIVE_INFINITY;
  #bytes = 0;

  constructor(list: readonly RememberedMatch[] = []) {
    this.#list = [...list];
    this.#weigh();
  }

  /** Rough bytes of what is kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** In the order they came; what a checkpoint keeps. */
  toJSON(): readonly RememberedMatch[] {
    return this.#list;
  }

  /** Keeps a match if there is room, after making room from what can no longer share a window with it. */
  remember(match: RememberedMatch, reachMs: number): void {
    if (this.#list.length >= MAX_WAITING) {
      // They came about in order: where the first still may share a window, so may nearly all.
      if (this.#firstMs >= match.timeMs - reachMs) return;
      this.#list = this.#list.filter((one) => one.timeMs >= match.timeMs - reachMs);
      this.#weigh();
      if (this.#list.length >= MAX_WAITING) return;
    }
    this.#list.push(match);
    if (this.#list.length === 1) this.#firstMs = match.timeMs;
    this.#bytes += weighMatch(match);
  }

  /** Takes out the matches of a stretch of time, both ends included. */
  take({ fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): RememberedMatch[] {
    const taken = this.#list.filter(({ timeMs }) => timeMs >= fromMs && timeMs <= toMs);
    if (taken.length > 0) {
      this.#list = taken.length === this.#list.length ? [] : this.#list.filter(({ timeMs }) => timeMs < fromMs || timeMs > toMs);
      this.#weigh();
    }
    return taken;
  }

  /** Forgets what is older than a time, as soon as the first is. */
  dropBefore(timeMs: number): void {
    if (this.#firstMs >= timeMs) return;
    this.#list = this.#list.filter((one) => one.timeMs >= timeMs);
    this.#weigh();
  }

  #weigh(): void {
    this.#firstMs = this.#list[0]?.timeMs ?? Number.POSITIVE_INFINITY;
    this.#bytes = this.#list.reduce((bytes, match) => bytes + weighMatch(match), 0);
  }
}
