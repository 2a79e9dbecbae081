/** Gives records of files to the intake until they are taken: the files keep what comes after, so nothing has to be given up. */
import { isTocsinError } from '@tocsin/core';
import type { RawRecord, RecordResult } from '../../source.ts';
import type { ListenerContext } from '../listener.ts';

/** Whose records, and what ends the trying. */
export interface DeliveryTo {
  readonly context: ListenerContext;
  readonly source: string;
  readonly signal: AbortSignal;
  /** Key of the batch, for records without ids. */
  readonly key?: string | undefined;
  /** They were counted when they came. */
  readonly isCounted?: boolean | undefined;
  /** They are kept where they are when the signal comes first, and not counted as refused. */
  readonly keepsOnClose?: boolean | undefined;
  /** Told what became of the records, in order; not where they were rejected as a whole. */
  readonly onResults?: ((results: readonly RecordResult[]) => void) | undefined;
}

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 5_000;
/** How often records are given that end in an error without a name, which the same records may meet each time. */
const MAX_UNNAMED_TRIES = 5;

/** Resolves with true once every record is stored or rejected for good; with false where the signal came first. They are counted. */
export async function deliverRecords(records: readonly RawRecord[], to: DeliveryTo): Promise<boolean> {
  const { context, signal } = to;
  const { counts } = context;
  if (to.isCounted !== true) counts.records += records.length;
  const { promise: stopped, resolve } = Promise.withResolvers<undefined>();
  const stop = (): void => resolve(undefined);
  signal.addEventListener('abort', stop, { once: true });
  try {
    let waitMs = FIRST_WAIT_MS;
    for (let tries = 1; !signal.aborted; tries++) {
      const given = giveOnce(records, { ...to, isLast: tries >= MAX_UNNAMED_TRIES });
      if (await Promise.race([given, stopped])) return true;
      await Promise.race([new Promise((wake) => setTimeout(wake, waitMs).unref()), stopped]);
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    }
    if (to.keepsOnClose !== true) counts.refuse('ingest.closing', records.length);
    return false;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Gives them once; true where they are settled, one way or the other. */
async function giveOnce(
  records: readonly RawRecord[],
  { context, source, isLast, onResults, key }: DeliveryTo & { readonly isLast: boolean },
): Promise<boolean> {
  const { counts } = context;
  try {
    const results = await context.emit(context.boundSource(source), records, key === undefined ? {} : { idempotencyKey: key });
    onResults?.(results);
    // One record may hold several events.
    counts.records += results.length - records.length;
    for (const result of results) {
      if (result.status === 'rejected') counts.reject(result.code);
      else counts[result.status] += 1;
    }
    return true;
  } catch (error) {
    const isFinal = isTocsinError(error) ? error.retry === 'never' : isLast;
    const what = `${context.name}: ${records.length} records ${isFinal ? 'were rejected' : 'wait to be given again'}`;
    context.onTrouble(error, what);
    if (isFinal) counts.reject(isTocsinError(error) ? error.code : 'ingest.internal', records.length);
    return isFinal;
  }
}
