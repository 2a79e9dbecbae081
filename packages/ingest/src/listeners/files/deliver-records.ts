/** Gives records of files to the intake until they are taken: the files keep what comes after, so nothing has to be given up. */
import { isTocsinError, TocsinError } from '@tocsin/core';
import type { RawRecord, RecordResult, Source } from '../../source.ts';
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
  /** Told each time that records were not taken and wait to be given again, with the reason. */
  readonly onHeld?: ((error: unknown) => void) | undefined;
  /** Told what became of the records, in order, possibly of some of them at a time. */
  readonly onResults?: ((results: readonly RecordResult[]) => void) | undefined;
}

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 5_000;
/** How often records are given that end in an error without a name, which the same records may meet each time. */
const MAX_UNNAMED_TRIES = 5;

/** What came of giving records: settled, stopped by the signal, or an error that giving them again will not change. */
type Ending = 'settled' | 'stopped' | TocsinError;

/**
 * Resolves with true once every record is stored or rejected for good; with false where the signal came first. They are counted. Where one of
 * them is the reason that all are refused, it alone is rejected. As long as their source is not to be had, they wait.
 */
export async function deliverRecords(records: readonly RawRecord[], to: DeliveryTo): Promise<boolean> {
  const { context, signal } = to;
  if (to.isCounted !== true) context.counts.records += records.length;
  const { promise: stopped, resolve } = Promise.withResolvers<'stopped'>();
  const stop = (): void => resolve('stopped');
  signal.addEventListener('abort', stop, { once: true });
  // What is left to be given, the first last.
  const left: (readonly RawRecord[])[] = [records];
  try {
    for (let part = left.pop(); part !== undefined; part = left.pop()) {
      const isWhole = part === records;
      const ending = await settle(part, isWhole ? to : { ...to, key: undefined }, stopped);
      if (ending === 'stopped') return leave([...left, part].flat().length, to);
      if (ending !== 'settled' && part.length > 1) left.push(...halvesOf(isWhole ? withIds(part, to.key) : part));
      else if (ending !== 'settled') reject(part.length, ending, to);
    }
    return true;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Records are not settled; always false. */
function leave(count: number, { context, keepsOnClose }: DeliveryTo): false {
  if (keepsOnClose !== true) context.counts.refuse('ingest.closing', count);
  return false;
}

/** Gives records until that has an end. */
async function settle(records: readonly RawRecord[], to: DeliveryTo, stopped: Promise<'stopped'>): Promise<Ending> {
  let waitMs = FIRST_WAIT_MS;
  let unnamed = 0;
  while (!to.signal.aborted) {
    const ending = await Promise.race([giveOnce(records, to), stopped]);
    if (ending === 'stopped' || ending === 'settled') return ending;
    const final = isFinal(ending, () => ++unnamed >= MAX_UNNAMED_TRIES);
    const { name } = to.context;
    to.context.onTrouble(ending.error, `${name}: ${records.length} records ${sayNext(final, records.length)}`);
    if (!final) to.onHeld?.(ending.error);
    if (final) return isTocsinError(ending.error) ? ending.error : new TocsinError('ingest.internal', { what: String(ending.error) });
    await Promise.race([new Promise((wake) => setTimeout(wake, waitMs).unref()), stopped]);
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
  return 'stopped';
}

/** Why records were not taken this time, and whether it is their source that was not to be had. */
interface Failure {
  readonly error: unknown;
  readonly isOfSource: boolean;
}

/** Whether giving the same records again will not help. */
function isFinal({ error, isOfSource }: Failure, isLastUnnamed: () => boolean): boolean {
  // A source may be registered again, and its key come back.
  if (isOfSource) return false;
  if (isTocsinError(error)) return error.retry === 'never';
  // Of the system below, such as too many open files: nothing that these records could be the reason of.
  const isOfSystem = typeof (error as NodeJS.ErrnoException | undefined)?.syscall === 'string';
  return !isOfSystem && isLastUnnamed();
}

function sayNext(final: boolean, count: number): string {
  if (!final) return 'wait to be given again';
  return count > 1 ? 'are given in two parts' : 'were rejected';
}

/** Gives them once. */
async function giveOnce(
  records: readonly RawRecord[],
  { context, source: name, onResults, key }: DeliveryTo,
): Promise<'settled' | Failure> {
  const { counts } = context;
  let source: Source;
  try {
    source = context.boundSource(name);
  } catch (error) {
    return { error, isOfSource: true };
  }
  let results: readonly RecordResult[];
  try {
    results = await context.emit(source, records, key === undefined ? {} : { idempotencyKey: key });
  } catch (error) {
    return { error, isOfSource: false };
  }
  onResults?.(results);
  // One record may hold several events.
  counts.records += results.length - records.length;
  for (const result of results) {
    if (result.status === 'rejected') counts.reject(result.code);
    else counts[result.status] += 1;
  }
  return 'settled';
}

function reject(count: number, { code, message: reason }: TocsinError, { context, onResults }: DeliveryTo): void {
  context.counts.reject(code, count);
  onResults?.(Array.from({ length: count }, () => ({ status: 'rejected' as const, code, reason })));
}

/** The second half and the first. */
function halvesOf(records: readonly RawRecord[]): (readonly RawRecord[])[] {
  const middle = Math.ceil(records.length / 2);
  return [records.slice(middle), records.slice(0, middle)];
}

/** Records with the ids that the key of their batch gave them, which in parts of it would be others. */
function withIds(records: readonly RawRecord[], key: string | undefined): readonly RawRecord[] {
  if (key === undefined) return records;
  return records.map((record, i) => ({
    ...record,
    envelope: { ...record.envelope, fallbackId: record.envelope?.fallbackId ?? `${key}-${i}` },
  }));
}
