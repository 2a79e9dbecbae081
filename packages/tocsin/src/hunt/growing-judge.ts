/**
 * A judge that grows with its input: the main thread judges, and the more there was to judge, the more threads do so beside it. Rules and
 * tables cost each thread time and memory, which a short input is not worth.
 */
import { setImmediate } from 'node:timers/promises';
import type { Judge } from './judge.ts';
import { type JudgeSetup, judgeBlock } from './judge-block.ts';
import type { ThreadBoot } from './judge-in-thread.ts';
import { JudgeThread, type ThreadSurroundings } from './judge-thread.ts';

/** How a judge grows. */
export interface GrowingJudgeOptions extends ThreadSurroundings {
  /** Threads that judge at most, the main one included. */
  readonly jobs: number;
  /** What each further thread is started with; asked for once. */
  readonly boot: () => ThreadBoot;
  /** Bytes after which there is one thread more, and again after as many. */
  readonly growEveryBytes?: number | undefined;
  /** Bytes that are known to come: where they are many, threads begin at once. */
  readonly expectedBytes?: number | undefined;
}

/** A judge whose threads can be seen and waited for. */
export interface GrowingJudge extends Judge {
  /** Blocks given to each thread so far, the main one first. */
  readonly shares: readonly number[];
  /** Resolves when all threads that were started have loaded their rules. @throws hunt.internal */
  ready(): Promise<void>;
}

/** A thread takes a third of a second to load; this much is judged in about half of that (docs/performance.md). */
const GROW_EVERY_BYTES = 16 * 1024 * 1024;
/** How many times as much must be known to come for a thread that begins at once: it will have paid for itself before the end. */
const TIMES_EXPECTED = 4;
/** Verdicts per thread that may wait for an earlier one. */
const VERDICTS_AHEAD = 4;

/** A judge of one thread, until there is more to do; disposing ends the others. A thread that ends by itself ends the hunt. */
export function openGrowingJudge(setup: JudgeSetup, options: GrowingJudgeOptions): GrowingJudge {
  const { jobs, pool, growEveryBytes = GROW_EVERY_BYTES, expectedBytes = 0 } = options;
  const threads: JudgeThread[] = [];
  const shares = [0];
  let boot: ThreadBoot | undefined;
  let givenBytes = 0;
  const isWorth = (count: number): boolean =>
    givenBytes >= growEveryBytes * count || expectedBytes >= growEveryBytes * TIMES_EXPECTED * count;
  const grow = (): void => {
    while (threads.length < jobs - 1 && isWorth(threads.length + 1)) {
      boot ??= options.boot();
      threads.push(new JudgeThread(threads.length, boot, options));
      shares.push(0);
    }
  };
  grow();
  return {
    shares,
    get inFlight() {
      return threads.length === 0 ? 1 : (threads.length + 1) * VERDICTS_AHEAD;
    },
    judge: async (block, changedMs) => {
      givenBytes += block.length;
      grow();
      // While this thread judges nobody answers it: what has come meanwhile is taken first.
      if (threads.length > 0) await setImmediate();
      const free = threads.findIndex(({ hasRoom }) => hasRoom);
      shares[free + 1] = (shares[free + 1] ?? 0) + 1;
      const thread = threads[free];
      if (thread !== undefined) return await thread.judge({ block, changedMs });
      const verdict = judgeBlock(setup, block, changedMs);
      pool.give(block.buffer);
      return verdict;
    },
    ready: async () => {
      await Promise.all(threads.map((thread) => thread.ready));
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(threads.map((thread) => thread.stop()));
    },
  };
}
