/** Judges beside the main thread: each block goes to the thread that has least to do. */
import { Worker } from 'node:worker_threads';
import { TocsinError } from '@tocsin/core';
import type { BufferPool } from './buffer-pool.ts';
import type { ThreadAnswer, ThreadBoot, ThreadNote, ThreadTask } from './hunt-thread.ts';
import type { Judge } from './judge.ts';
import type { BlockVerdict } from './judge-block.ts';

/** Blocks a thread has before it at most: one to work on and one to go on with. */
const DEPTH = 2;

/** What threads share with the main one. */
export interface ThreadSurroundings {
  readonly pool: BufferPool;
  /** Told of a kept file that was not used. */
  readonly onIgnored: (path: string, reason: string) => void;
}

/** Starts threads; disposing ends them. A thread that ends by itself ends the hunt. */
export function openThreadJudge(jobs: number, boot: ThreadBoot, around: ThreadSurroundings): Judge {
  const threads = Array.from({ length: jobs }, (_, i) => new JudgeThread(i, boot, around));
  return {
    inFlight: jobs * DEPTH,
    judge: (block, changedMs) => {
      const idlest = threads.reduce((least, thread) => (thread.waiting < least.waiting ? thread : least));
      return idlest.judge({ block, changedMs });
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(threads.map((thread) => thread.stop()));
    },
  };
}

class JudgeThread {
  readonly #worker: Worker;
  readonly #waiting: PromiseWithResolvers<BlockVerdict>[] = [];
  #ended: Error | undefined;

  constructor(index: number, boot: ThreadBoot, { pool, onIgnored }: ThreadSurroundings) {
    this.#worker = new Worker(scriptUrl(), { name: `hunt ${index + 1}`, workerData: boot });
    this.#worker.on('message', (answer: ThreadAnswer | ThreadNote) => {
      if ('ignored' in answer) return onIgnored(answer.ignored, answer.reason);
      const waiting = this.#waiting.shift();
      if ('failed' in answer) waiting?.reject(new TocsinError('hunt.internal', { what: answer.failed }));
      else {
        pool.give(answer.buffer);
        waiting?.resolve(answer.verdict);
      }
    });
    this.#worker.on('error', (error) => this.#end(error instanceof Error ? error : new Error(String(error))));
    this.#worker.on('exit', (code) => this.#end(new Error(`a thread ended with code ${code}`)));
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  judge(task: ThreadTask): Promise<BlockVerdict> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const waiting = Promise.withResolvers<BlockVerdict>();
    this.#waiting.push(waiting);
    this.#worker.postMessage(task, [task.block.buffer.buffer as ArrayBuffer]);
    return waiting.promise;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #end(cause: Error): void {
    this.#ended ??= new TocsinError('hunt.internal', { what: cause.message }, { cause });
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#ended);
  }
}

/** The script beside this file: built, or as source where Node runs the sources. */
function scriptUrl(): URL {
  return new URL(`./hunt-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
}
