/** Standard input as records of a source, for as long as it lasts: read on only once what was read is on disk. */
import { defaultDecodeLimits, type Emit, ListenerCounts, openRecordStream, type RawRecord, type Source } from '@tocsin/ingest';
import type { RunningListener } from '../duties/start-listeners.ts';

/** What is read, and where it goes. */
export interface StandardInput {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly source: Source;
  readonly emit: Emit;
  /** How long to wait while nothing can be taken, milliseconds; rejects when it is interrupted. */
  readonly pause: (ms: number) => Promise<void>;
  readonly onTrouble: (error: unknown, what: string) => void;
}

const AGAIN_AFTER_MS = 500;

/** How it stands among the listeners. */
export function standardInputRow(): RunningListener {
  return { kind: 'stdin', name: '-', address: 'standard input', counts: new ListenerCounts() };
}

/** Resolves at the end of input, when all of it is on disk. Rejects when `pause` does. */
export async function readStandardInput(input: StandardInput, { counts }: Pick<RunningListener, 'counts'>): Promise<void> {
  const stream = openRecordStream('auto', defaultDecodeLimits);
  for await (const chunk of input.stdin) {
    counts.bytes += chunk.length;
    await take(stream.push(chunk), input, counts);
  }
  await take(stream.end(), input, counts);
}

async function take(
  decoded: ReturnType<ReturnType<typeof openRecordStream>['push']>,
  input: StandardInput,
  counts: ListenerCounts,
): Promise<void> {
  const records: RawRecord[] = [];
  for (const each of decoded) {
    counts.records += 1;
    if ('rejected' in each) counts.reject(each.rejected);
    else records.push({ bytes: each.record });
  }
  while (records.length > 0) {
    try {
      await input.emit(input.source, records);
      counts.stored += records.length;
      return;
    } catch (error) {
      input.onTrouble(error, 'standard input waits');
      await input.pause(AGAIN_AFTER_MS);
    }
  }
}
