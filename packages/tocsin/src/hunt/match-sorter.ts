/**
 * Matches of a whole hunt in order of event time: correlations need them so, and files come one after the other. What does not fit into
 * memory is written to a folder of its own, sorted piece by piece, and merged at the end.
 */
import { createWriteStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Match } from '@tocsin/core';

/** Takes matches in any order of time, gives them in order. Disposing removes what it wrote. */
export class MatchSorter implements AsyncDisposable {
  readonly #temporary: string;
  readonly #mostHeld: number;
  readonly #runs: string[] = [];
  #held: Match[] = [];
  #folder: string | undefined;

  /** `temporary` is a folder for what does not fit; at most `mostHeld` matches are kept in memory. */
  constructor(temporary: string, mostHeld = 100_000) {
    this.#temporary = temporary;
    this.#mostHeld = mostHeld;
  }

  /** Takes a match; waits where others have to be written first. */
  async add(match: Match): Promise<void> {
    this.#held.push(match);
    if (this.#held.length >= this.#mostHeld) await this.#writeRun();
  }

  /** All matches by event time; those of one time in the order in which they were added. */
  async *inOrder(): AsyncGenerator<Match> {
    this.#sortHeld();
    const runs: AsyncIterator<Match>[] = [...this.#runs.map(readRun), Readable.from(this.#held)[Symbol.asyncIterator]()];
    if (this.#runs.length === 0) yield* this.#held;
    else yield* merge(runs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  #sortHeld(): void {
    // Stable: earlier ones stay first.
    this.#held.sort((a, b) => a.timeMs - b.timeMs);
  }

  async #writeRun(): Promise<void> {
    this.#sortHeld();
    this.#folder ??= await mkdtemp(join(this.#temporary, 'tocsin-hunt-'));
    const path = join(this.#folder, `${this.#runs.length}.ndjson`);
    const lines = this.#held.map((match) => `${JSON.stringify(match)}\n`);
    await pipeline(Readable.from(lines), createWriteStream(path, { mode: 0o600 }));
    this.#runs.push(path);
    this.#held = [];
  }
}

async function* readRun(path: string): AsyncGenerator<Match> {
  await using file = await open(path);
  for await (const line of file.readLines()) yield JSON.parse(line) as Match;
}

/** Merges sorted runs; of equal times the earlier run's comes first. */
async function* merge(runs: readonly AsyncIterator<Match>[]): AsyncGenerator<Match> {
  const heads = await Promise.all(runs.map((run) => run.next()));
  for (;;) {
    let best = -1;
    let bestMs = Number.POSITIVE_INFINITY;
    heads.forEach((head, i) => {
      if (head.done === true || head.value.timeMs >= bestMs) return;
      best = i;
      bestMs = head.value.timeMs;
    });
    const head = heads[best];
    const run = runs[best];
    if (head === undefined || run === undefined || head.done === true) return;
    yield head.value;
    heads[best] = await run.next();
  }
}
