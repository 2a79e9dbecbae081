/** Who judges blocks: the main thread alone; it and others beside it are `growing-judge.ts`. */
import type { BufferPool } from './buffer-pool.ts';
import type { Block } from './hunt-block.ts';
import { type BlockVerdict, type JudgeSetup, judgeBlock } from './judge-block.ts';

/** Takes blocks and gives their verdicts. Block buffers are the judge's from then on. */
export interface Judge extends AsyncDisposable {
  /** Verdicts that may be waited for at a time. */
  readonly inFlight: number;
  judge(block: Block, changedMs: number): Promise<BlockVerdict>;
}

/** A judge in this thread. */
export function createLocalJudge(setup: JudgeSetup, pool: BufferPool): Judge {
  return {
    inFlight: 1,
    judge: (block, changedMs) => {
      const verdict = judgeBlock(setup, block, changedMs);
      pool.give(block.buffer);
      return Promise.resolve(verdict);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
