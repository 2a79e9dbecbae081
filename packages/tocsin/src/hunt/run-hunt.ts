/**
 * A hunt: files in, verdicts out, in the order of the files and of the lines within each, however many threads judge. What is made of
 * the verdicts is the caller's affair.
 */
import { isTocsinError } from '@tocsin/core';
import type { BufferPool } from './buffer-pool.ts';
import { type OpenFile, openFile, openStream } from './byte-source.ts';
import { cutFile } from './cut-file.ts';
import type { HuntTally } from './hunt-tally.ts';
import type { Judge } from './judge.ts';
import type { HuntInput } from './list-inputs.ts';
import { type OnVerdict, OrderedVerdicts } from './ordered-verdicts.ts';

/** What a hunt works with. */
export interface HuntRun {
  readonly inputs: readonly HuntInput[];
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly judge: Judge;
  readonly pool: BufferPool;
  readonly tally: HuntTally;
  /** Told of each verdict, in order; waited for. */
  readonly onVerdict: OnVerdict;
  /** Told after each block how many bytes have been taken from disk. */
  readonly onProgress: (takenBytes: number) => void;
  /** Now, in milliseconds since 1970: stands for when standard input was last written. */
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** Reads and judges all inputs. A file that cannot be read is among the tally's `failedFiles` and stops no other. @throws the signal's reason */
export async function runHunt(run: HuntRun): Promise<void> {
  const verdicts = new OrderedVerdicts(run.tally, run.onVerdict);
  let doneBytes = 0;
  for (const input of run.inputs) {
    const file = input.path === '-' ? '(standard input)' : input.path;
    try {
      await using source = await openInput(input.path, run);
      await readInput(run, verdicts, { file, source, doneBytes });
      doneBytes += source.takenBytes;
    } catch (error) {
      if (!isTocsinError(error, 'cli.unreadable')) throw error;
      run.tally.failedFiles.push({ file, reason: error.details.reason });
    }
  }
  await verdicts.settle(0);
}

interface Reading {
  readonly file: string;
  readonly source: OpenFile;
  readonly doneBytes: number;
}

async function readInput(run: HuntRun, verdicts: OrderedVerdicts, { file, source, doneBytes }: Reading): Promise<void> {
  for await (const piece of cutFile(source, run.pool)) {
    run.signal.throwIfAborted();
    if (piece.kind === 'block') verdicts.add(file, run.judge.judge(piece.block, source.changedMs));
    else verdicts.skip(file, piece);
    await verdicts.settle(run.judge.inFlight - 1);
    run.onProgress(doneBytes + source.takenBytes);
  }
}

async function openInput(path: string, { stdin, nowMs }: HuntRun): Promise<OpenFile> {
  return path === '-' ? openStream('(standard input)', stdin, nowMs) : openFile(path);
}
