/**
 * A large set of rule files parsed in threads that end with it: what the parser needs and leaves behind is gone before rules are judged by, and
 * several processors share the work.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { TocsinError } from '@tocsin/core';
import { joinSlices, type RuleSlice, sliceFiles } from '@tocsin/detect/judge';
import { letYoungGenerationGrow } from '../small-heap.ts';
import type { ParseAnswer, ParseBoot } from './parse-thread.ts';
import type { RuleBytes } from './rule-bytes.ts';

/** How files are parsed in threads. */
export interface ParseThreads extends ParseBoot {
  /** Threads at most. */
  readonly most: number;
}

/** More than this many bring nothing: loading the parser is then most of what each of them does. */
const MOST_THREADS = 4;
/** Room for new objects of a thread, MiB. */
const YOUNG_MIB = 24;

/** The rules of the files as `encodeRules` writes them; undefined where they hang on one another and have to be read together. @throws hunt.internal where a thread ended */
export async function parseInThreads(
  files: readonly RuleBytes[],
  { most, codeFolder }: ParseThreads,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const work = createWork(sliceFiles(files));
  const hold = letYoungGenerationGrow();
  const threads = Array.from({ length: Math.min(most, MOST_THREADS, work.length) }, () => startThread({ codeFolder }));
  try {
    await Promise.all(threads.map((thread) => parseSlices(thread, work)));
    return work.slices.length < work.length ? undefined : joinSlices(work.slices);
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
    hold();
  }
}

interface Work {
  readonly length: number;
  /** What came of the slices so far, in their order. */
  readonly slices: RuleSlice[];
  /** The next slice of files and its number; undefined where nothing is left to be done. */
  next(): readonly [number, readonly RuleBytes[]] | undefined;
  /** Leaves the rest. */
  stop(): void;
}

function createWork(lists: readonly (readonly RuleBytes[])[]): Work {
  const left = [...lists.entries()].reverse();
  return { length: lists.length, slices: [], next: () => left.pop(), stop: () => left.splice(0) };
}

/** Hands a thread one slice after the other. */
async function parseSlices(thread: Worker, work: Work): Promise<void> {
  const ended = endOf(thread);
  for (let next = work.next(); next !== undefined; next = work.next()) {
    const [number, files] = next;
    const answered = once(thread, 'message') as Promise<[ParseAnswer]>;
    thread.postMessage(files);
    const [slice] = await Promise.race([answered, ended]);
    if (slice === undefined) work.stop();
    else work.slices[number] = slice;
  }
}

/** Never resolves. @throws hunt.internal when the thread ends */
function endOf(thread: Worker): Promise<never> {
  const ended = Promise.withResolvers<never>();
  const fail = (what: string, cause?: unknown): void => ended.reject(new TocsinError('hunt.internal', { what }, { cause }));
  thread.once('error', (error) => fail(error instanceof Error ? error.message : String(error), error));
  thread.once('exit', (code) => fail(`a thread that parses rules ended with code ${code}`));
  // Told to whoever waits for an answer; when all is answered its end is nothing to tell.
  void Promise.allSettled([ended.promise]);
  return ended.promise;
}

/** The script beside this file: built, or as source where Node runs the sources. */
function startThread(boot: ParseBoot): Worker {
  const script = new URL(`./parse-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
  return new Worker(script, { name: 'hunt rules', workerData: boot, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB } });
}
