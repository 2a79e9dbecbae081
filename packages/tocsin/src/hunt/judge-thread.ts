/** A thread that judges blocks beside the main one, as the main one sees it. What runs inside is `judge-in-thread.ts`; who is given a block is decided in `growing-judge.ts`. */
import { Worker } from 'node:worker_threads';
import { TocsinError } from '@tocsin/core';
import { letYoungGenerationGrow } from '../small-heap.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { BlockVerdict } from './judge-block.ts';
import type { ThreadAnswer, ThreadBoot, ThreadNews, ThreadTask } from './judge-in-thread.ts';

/** Blocks a thread has before it at most: one to work on and one to go on with. */
const DEPTH = 2;
/** Room for new objects, MiB: little of what a block allocates lives on, and V8's own choice is 128. */
const YOUNG_MIB = 6;

/** What threads share with the main one. */
export interface ThreadSurroundings {
  readonly pool: BufferPool;
  /** Told of a kept file that was not used. */
  readonly onIgnored: (path: string, reason: string) => void;
}

/** A running thread. One that ends by itself fails what it was given and whatever it is asked then. */
export class JudgeThread {
  readonly #worker: Worker;
  readonly #waiting: PromiseWithResolvers<BlockVerdict>[] = [];
  readonly #ready = Promise.withResolvers<void>();
  #isReady = false;
  #ended: Error | undefined;

  constructor(index: number, boot: ThreadBoot, { pool, onIgnored }: ThreadSurroundings) {
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MIB };
    const hold = letYoungGenerationGrow();
    // Also where it ended: whoever waits for a verdict is told so.
    void this.ready.then(hold, hold);
    this.#worker = new Worker(scriptUrl(), { name: `hunt ${index + 1}`, workerData: boot, resourceLimits });
    this.#worker.on('message', (news: ThreadAnswer | ThreadNews) => {
      if ('ready' in news) this.#begin();
      else if ('ignored' in news) onIgnored(news.ignored, news.reason);
      else this.#answer(news, pool);
    });
    this.#worker.on('error', (error) => this.#end(error instanceof Error ? error : new Error(String(error))));
    this.#worker.on('exit', (code) => this.#end(new Error(`a thread ended with code ${code}`)));
  }

  /** Whether it could go on with another block. One that has ended says so too: the block fails. */
  get hasRoom(): boolean {
    return this.#ended !== undefined || (this.#isReady && this.#waiting.length < DEPTH);
  }

  /** Resolves when it has loaded its rules. @throws hunt.internal where it ended before */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** The verdict on a block, which is the thread's from then on. @throws hunt.internal */
  judge(task: ThreadTask): Promise<BlockVerdict> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const waiting = Promise.withResolvers<BlockVerdict>();
    this.#waiting.push(waiting);
    this.#worker.postMessage(task, [task.block.buffer.buffer as ArrayBuffer]);
    return waiting.promise;
  }

  /** Ends it, whatever it is at. */
  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #begin(): void {
    this.#isReady = true;
    this.#ready.resolve();
  }

  #answer(answer: ThreadAnswer, pool: BufferPool): void {
    const waiting = this.#waiting.shift();
    if ('failed' in answer) return waiting?.reject(new TocsinError('hunt.internal', { what: answer.failed }));
    pool.give(answer.buffer);
    waiting?.resolve(answer.verdict);
  }

  #end(cause: Error): void {
    this.#ended ??= new TocsinError('hunt.internal', { what: cause.message }, { cause });
    this.#ready.reject(this.#ended);
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#ended);
  }
}

/** The script beside this file: built, or as source where Node runs the sources. */
function scriptUrl(): URL {
  return new URL(`./hunt-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
}
