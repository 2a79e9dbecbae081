/** A thread that judges blocks: what runs inside, once `hunt-thread.ts` has begun it. Who hands it blocks is `judge-thread.ts`. */
import type { MessagePort } from 'node:worker_threads';
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
  /** Folder in which Node keeps compiled code (`enableCompileCache`); undefined where it keeps none. */
  readonly codeFolder: string | undefined;
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

/** Loads rules and mappings, says so to the main thread, and answers it from then on. */
export function judgeInThread(boot: ThreadBoot, port: MessagePort): void {
  const tell = (news: ThreadNews): void => port.postMessage(news);
  const onIgnored = (ignored: string, reason: string): void => tell({ ignored, reason });
  const setup = createJudgeSetup(decodeRules(boot.rules).rules, compileMappings(boot.mappings), {
    ...boot.choices,
    programs: boot.cacheFolder === undefined ? undefined : openProgramCache({ folder: boot.cacheFolder, onIgnored }),
  });
  port.on('message', ({ block, changedMs }: ThreadTask) => {
    try {
      const verdict = judgeBlock(setup, block, changedMs);
      const answer: ThreadAnswer = { verdict, buffer: block.buffer };
      port.postMessage(answer, [block.buffer.buffer as ArrayBuffer]);
    } catch (error) {
      const answer: ThreadAnswer = { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
      port.postMessage(answer);
    }
  });
  tell({ ready: true });
}
