/** The correlate duty: one correlator for each fold shard that is held, begun when a shard is taken and ended when it is let go of. */
import { setTimeout } from 'node:timers/promises';
import { isTocsinError } from '@tocsin/core';
import { type CorrelatorOptions, runCorrelator } from './correlator.ts';
import { type Ownership, ownsAll } from './ownership.ts';
import type { SettledShards } from './settled-shards.ts';

/** What the duty is made of. */
export interface CorrelateShardsOptions extends Omit<CorrelatorOptions, 'shard' | 'readUpTo'> {
  /** Shards of the installation. */
  readonly shards: number;
  /** Which of them are its own; all where absent. */
  readonly ownership?: Ownership | undefined;
  readonly settled: SettledShards;
}

/** Pause before a shard that could not go on is taken again, milliseconds. */
const AGAIN_AFTER_MS = 250;

interface Run {
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** Runs until aborted; each shard then saves a last checkpoint. */
export async function runCorrelateShards(options: CorrelateShardsOptions): Promise<void> {
  const { ownership = ownsAll(options.shards), signal } = options;
  const duty = new CorrelateShards(options, ownership);
  const off = ownership.onChange(() => duty.wake());
  const wake = (): void => duty.wake();
  signal.addEventListener('abort', wake);
  try {
    while (!signal.aborted) {
      await duty.settleOwnership();
      await duty.news(signal);
    }
  } finally {
    off();
    signal.removeEventListener('abort', wake);
    await duty.end();
  }
}

class CorrelateShards {
  readonly #options: CorrelateShardsOptions;
  readonly #ownership: Ownership;
  readonly #runs = new Map<number, Run>();
  #failure: { readonly error: unknown } | undefined;
  #hasNews = false;
  #wake = (): void => undefined;

  constructor(options: CorrelateShardsOptions, ownership: Ownership) {
    this.#options = options;
    this.#ownership = ownership;
  }

  wake(): void {
    this.#hasNews = true;
    this.#wake();
  }

  /** Resolves at once where something has changed since it was asked last. */
  async news(signal: AbortSignal): Promise<void> {
    while (!this.#hasNews && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#hasNews = false;
  }

  async settleOwnership(): Promise<void> {
    if (this.#failure) throw this.#failure.error;
    const { release, take } = this.#ownership.plan(new Set(this.#runs.keys()));
    await Promise.all(release.map((shard) => this.#end(shard)));
    if (release.length > 0 || take.length > 0) await this.#ownership.hold([...this.#runs.keys(), ...take]);
    for (const shard of take) this.#start(shard);
  }

  /** Ends all of them; what one of them failed with comes out. */
  async end(): Promise<void> {
    const ended = await Promise.allSettled([...this.#runs.keys()].map((shard) => this.#end(shard)));
    const failed = ended.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
  }

  async #end(shard: number): Promise<void> {
    const run = this.#runs.get(shard);
    run?.stop.abort();
    try {
      await run?.ended;
    } finally {
      this.#runs.delete(shard);
      this.#options.settled.close(shard);
    }
  }

  #start(index: number): void {
    const { settled, shards, signal, onTrouble, ownership: _, ...rest } = this.#options;
    const stop = new AbortController();
    const shard = { index, count: shards };
    const all = AbortSignal.any([signal, stop.signal]);
    const run = runCorrelator({ ...rest, onTrouble, shard, readUpTo: settled.open(index), signal: all });
    const ended = run.catch(async (error: unknown) => {
      if (all.aborted && error === all.reason) return;
      if (!isTocsinError(error) || (error.retry === 'never' && error.code !== 'bus.fenced')) throw error;
      // Another owner has saved, or the bus was away for longer than anybody waits: it goes on from what was saved last.
      onTrouble(error, `fold shard ${index}`);
      await setTimeout(AGAIN_AFTER_MS);
    });
    this.#runs.set(index, { stop, ended });
    ended.then(
      () => this.#forget(index, stop),
      (error: unknown) => {
        this.#failure = { error };
        this.wake();
      },
    );
  }

  /** A run that has ended by itself leaves its shard to be taken anew. */
  #forget(shard: number, stop: AbortController): void {
    if (this.#runs.get(shard)?.stop !== stop || stop.signal.aborted) return;
    this.#runs.delete(shard);
    this.#options.settled.close(shard);
    this.wake();
  }
}
