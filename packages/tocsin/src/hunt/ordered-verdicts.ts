/** Verdicts in the order in which their pieces were handed in, whenever each is ready; knows on which line each block begins. */
import type { Unread } from './hunt-block.ts';
import type { HuntTally } from './hunt-tally.ts';
import type { BlockVerdict } from './judge-block.ts';

/** Where a block stands. */
export interface BlockPlace {
  readonly file: string;
  /** Number of its first line, from 1. */
  readonly firstLine: number;
}

/** Takes what follows from a verdict. */
export type OnVerdict = (verdict: BlockVerdict, place: BlockPlace) => void | Promise<void>;

type Waiting =
  | { readonly file: string; readonly verdict: Promise<BlockVerdict> }
  | { readonly file: string; readonly unread?: Unread | undefined; readonly lines: number };

/** Hands verdicts on in order. Not for use by two callers at a time. */
export class OrderedVerdicts {
  readonly #tally: HuntTally;
  readonly #onVerdict: OnVerdict;
  readonly #waiting: Waiting[] = [];
  #file = '';
  #line = 1;

  constructor(tally: HuntTally, onVerdict: OnVerdict) {
    this.#tally = tally;
    this.#onVerdict = onVerdict;
  }

  /** Takes a verdict to come. */
  add(file: string, verdict: Promise<BlockVerdict>): void {
    // Its failure is thrown when its turn comes; until then nobody waits for it.
    void Promise.allSettled([verdict]);
    this.#waiting.push({ file, verdict });
  }

  /** Takes note of lines that were passed over, and of what could not be read there. */
  skip(file: string, { unread, lines }: { unread?: Unread | undefined; lines: number }): void {
    this.#waiting.push({ file, unread, lines });
  }

  /** Hands on verdicts until at most `most` are waiting. */
  async settle(most: number): Promise<void> {
    while (this.#waiting.length > most) await this.#next();
  }

  async #next(): Promise<void> {
    const next = this.#waiting.shift();
    if (next === undefined) return;
    if (next.file !== this.#file) {
      this.#file = next.file;
      this.#line = 1;
    }
    const place: BlockPlace = { file: next.file, firstLine: this.#line };
    if ('lines' in next) {
      if (next.unread !== undefined) this.#tally.addUnread(next.unread, place.file, place.firstLine);
      this.#line += next.lines;
      return;
    }
    const verdict = await next.verdict;
    this.#line += verdict.lines;
    this.#tally.addVerdict(verdict, place);
    await this.#onVerdict(verdict, place);
  }
}
