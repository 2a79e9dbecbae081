/** A thread that judges blocks: what runs inside. Who hands it blocks is `judge-thread.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { decodeRules } from '@tocsin/detect/judge';
import { compileMappings, type MappingSpec } from '@tocsin/ingest/read';
import type { Block } from './hunt-block.ts';
import { type BlockVerdict, judgeBlock } from './judge-block.ts';
import { createJudgeSetup, type JudgeChoices } from './judge-setup.ts';
import { openProgramCache } from './program-cache.ts';

/** What a thread is started with. */
export interface ThreadBoot {
  /** Rules as `encodeRules` writes them, in shared memory. */
  readonly rules: Uint8Array;
  readonly mappings: readonly MappingSpec[];
  readonly choices: JudgeChoices;
  /** Folder in which programs are kept; undefined where nothing is. */
  readonly cacheFolder: string | undefined;
}

/** A block to judge; its buffer is moved to the thread. */
export interface ThreadTask {
  readonly block: Block;
  readonly changedMs: number;
}

/** Answer to one task, in the order of the tasks; the buffer is moved back. */
export type ThreadAnswer = { readonly verdict: BlockVerdict; readonly buffer: Uint8Array } | { readonly failed: string };

/** What a thread tells in answer to nothing: that it can be given blocks, or a kept file that it did not use, and why. */
export type ThreadNews = { readonly ready: true } | { readonly ignored: string; readonly reason: string };

const boot = workerData as ThreadBoot;
const note = (ignored: string, reason: string): void => parentPort?.postMessage({ ignored, reason } satisfies ThreadNews);
const setup = createJudgeSetup(decodeRules(boot.rules).rules, compileMappings(boot.mappings), {
  ...boot.choices,
  programs: boot.cacheFolder === undefined ? undefined : openProgramCache({ folder: boot.cacheFolder, onIgnored: note }),
});

parentPort?.on('message', ({ block, changedMs }: ThreadTask) => {
  try {
    const verdict = judgeBlock(setup, block, changedMs);
    const answer: ThreadAnswer = { verdict, buffer: block.buffer };
    parentPort?.postMessage(answer, [block.buffer.buffer as ArrayBuffer]);
  } catch (error) {
    const answer: ThreadAnswer = { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    parentPort?.postMessage(answer);
  }
});
parentPort?.postMessage({ ready: true } satisfies ThreadNews);
