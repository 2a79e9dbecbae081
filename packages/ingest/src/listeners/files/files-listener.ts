/** The kind `files`: drives the passes over followed files, one after the other, and stores what they bring. */

import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '@tocsin/core';
import { type Listener, type ListenerContext, listenerKind } from '../listener.ts';
import { cannotOpen } from '../tls-settings.ts';
import { FileCheckpoint } from './checkpoint.ts';
import { deliverRecords } from './deliver-records.ts';
import { FileFollower } from './file-follower.ts';
import { type FilesSettings, filesSettings } from './files-settings.ts';

/** Log files of this machine. */
export const filesKind = listenerKind({ kind: 'files', settings: filesSettings, open: openFiles });

/** Time that closing waits for what was read to be stored. */
const CLOSE_WITHIN_MS = 7_000;
/** How long what was settled may be remembered only in memory while more is read. */
const REMEMBER_MS = 500;
/** How soon files are looked for again when the system tells of changes. */
const LOOK_AGAIN_MS = 100;
/** Folders watched at most; files of others are found by looking. */
const MAX_WATCHED = 64;

async function openFiles(settings: FilesSettings, context: ListenerContext): Promise<Listener> {
  const address = settings.paths.map((path) => `file://${path}`).join(' ');
  const checkpoint = new FileCheckpoint(context.stateDir);
  const follower = new FileFollower({ ...settings, context, checkpoint, clock: context.clock });
  try {
    await follower.load();
  } catch (cause) {
    const reason = `what it remembers of files cannot be read (${messageOf(cause)})`;
    throw cannotOpen({ name: context.name, address }, reason, cause);
  }
  const following = new Following(settings, context, follower);
  return { address, [Symbol.asyncDispose]: () => following.close() };
}

/** Passes, one after the other, until it is closed. */
class Following {
  readonly #settings: FilesSettings;
  readonly #context: ListenerContext;
  readonly #follower: FileFollower;
  readonly #closing = new AbortController();
  readonly #giveUp = new AbortController();
  readonly #watchers: FSWatcher[] = [];
  readonly #running: Promise<void>;
  #isWoken = false;
  #wake: (() => void) | undefined;

  constructor(settings: FilesSettings, context: ListenerContext, follower: FileFollower) {
    this.#settings = settings;
    this.#context = context;
    this.#follower = follower;
    this.#watch();
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#wakeUp();
    const timer = setTimeout(() => this.#giveUp.abort(), CLOSE_WITHIN_MS);
    await this.#running;
    clearTimeout(timer);
    for (const watcher of this.#watchers) watcher.close();
    await this.#follower[Symbol.asyncDispose]();
  }

  async #run(): Promise<void> {
    let rememberedMs = 0;
    let lookedMs = Number.NEGATIVE_INFINITY;
    while (!this.#closing.signal.aborted) {
      const nowMs = this.#context.clock.monotonicMs();
      const isLook = nowMs - lookedMs >= (this.#isWoken ? LOOK_AGAIN_MS : this.#settings.pollEvery);
      this.#isWoken = false;
      if (isLook) lookedMs = nowMs;
      try {
        const hasMore = await this.#pass(isLook);
        if (hasMore === undefined) return;
        if (hasMore && nowMs - rememberedMs < REMEMBER_MS) continue;
        await this.#follower.remember();
        rememberedMs = nowMs;
        if (!hasMore) await this.#sleep();
      } catch (error) {
        // Such as a full disk under the checkpoint: nothing is read on until it can be remembered.
        this.#context.onTrouble(error, `${this.#context.name}: reading files stopped and is tried again`);
        await this.#sleep();
      }
    }
  }

  /** Reads, stores and settles; gives whether there is more, undefined where it was given up. */
  async #pass(isLook: boolean): Promise<boolean | undefined> {
    const batch = await this.#follower.pass(isLook);
    this.#context.counts.bytes += batch.bytes;
    if (batch.records.length > 0) {
      const to = { context: this.#context, source: this.#settings.source, signal: this.#giveUp.signal };
      if (!(await deliverRecords(batch.records, to))) return undefined;
    }
    await this.#follower.settle(batch);
    if (this.#closing.signal.aborted) await this.#follower.remember();
    return batch.hasMore;
  }

  async #sleep(): Promise<void> {
    if (this.#isWoken || this.#closing.signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, this.#settings.pollEvery);
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }

  #wakeUp(): void {
    this.#isWoken = true;
    this.#wake?.();
  }

  /** Folders without patterns in their names; where watching does not work, looking does. */
  #watch(): void {
    const folders = new Set(this.#settings.paths.map(dirname).filter((folder) => !/[*?[\]{}]/.test(folder)));
    for (const folder of [...folders].slice(0, MAX_WATCHED)) {
      try {
        const watcher = watch(folder, () => this.#wakeUp());
        watcher.on('error', () => watcher.close());
        this.#watchers.push(watcher);
      } catch (error) {
        this.#context.onTrouble(
          error,
          `${this.#context.name}: ${folder} is not watched, but looked at every ${this.#settings.pollEvery} ms`,
        );
      }
    }
  }
}
