/**
 * Watches one thread by its black box: a piece of work that does not end, or that takes more and more memory, is ended with its thread.
 * Counted in ticks of the watcher, so that a process that was stopped for a while, or a machine that sleeps, is no reason.
 */
import { BlackBox, type BlackBoxEntry } from './black-box.ts';
import type { EndReason, Suspect } from './suspect.ts';

/** How a thread is watched. */
export interface ThreadWatchOptions {
  /** Longest time one frame or step may take, milliseconds. */
  readonly deadlineMs: number;
  /** Memory by which the process may grow during one frame or step, bytes. */
  readonly maxGrowthBytes: number;
  /** Memory of the process, bytes. */
  readonly residentBytes: () => number;
  /** Ends the thread. */
  readonly end: (reason: EndReason, entry: BlackBoxEntry) => void;
}

/** Looks during one deadline. */
const LOOKS = 5;
/** What compiles rules on first use may take longer, times the deadline. */
const WARMING_FACTOR = 20;

/** Watches until disposed. */
export class ThreadWatch implements Disposable {
  readonly box = new BlackBox();
  readonly #options: ThreadWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #seen: { readonly turn: number; readonly residentBytes: number; looks: number } | undefined;
  #ended: EndReason | undefined;

  constructor(options: ThreadWatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.look(), options.deadlineMs / LOOKS).unref();
  }

  /** Looks once. */
  look(): void {
    const entry = this.box.read();
    if (entry === undefined || this.#ended !== undefined) {
      this.#seen = undefined;
      return;
    }
    const residentBytes = this.#options.residentBytes();
    if (this.#seen?.turn !== entry.turn) this.#seen = { turn: entry.turn, residentBytes, looks: 0 };
    this.#seen.looks += 1;
    if (residentBytes - this.#seen.residentBytes > this.#options.maxGrowthBytes) this.#end('memory', entry);
    else if (this.#seen.looks > LOOKS * (entry.phase === 'warming' ? WARMING_FACTOR : 1)) this.#end('deadline', entry);
  }

  /** What the thread was at when it ended; undefined when it was at nothing. */
  suspect(endedBy: EndReason): Suspect | undefined {
    const entry = this.box.read();
    if (entry === undefined) return undefined;
    const { turn: _turn, ...suspect } = entry;
    return { ...suspect, reason: this.#ended ?? endedBy };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #end(reason: EndReason, entry: BlackBoxEntry): void {
    this.#ended = reason;
    this.#options.end(reason, entry);
  }
}
