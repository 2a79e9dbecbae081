/**
 * Keeps the coverage ledger up with MATCHES and DEADLETTER: which rule set has judged how far, what catch-ups have judged since, and what
 * could not be judged. EVENTS comes to it together with the frame catalogue. Waits for a rule list that should be there no longer than a
 * moment: a set whose list is gone is shown as not known.
 */
import { parsePosition, type ReplayLog, type StateBucket, type Stored } from '@tocsin/bus';
import { isTocsinError, type MatchStep, type Position } from '@tocsin/core';
import { type CoverageLedger, type CoverageLetter, type CoverageStep, DEADLETTER_STREAM, MATCHES_STREAM } from '@tocsin/store';
import { readDeadLetter } from '../deadletters/dead-letter.ts';
import { Pump } from '../duties/pump.ts';
import { DEADLETTER_FILTER, EVENT_LANES, EVENTS_STREAM, MATCHES_FILTER } from '../subjects.ts';
import { packedRuleList } from './rule-list.ts';

/** What the projection is made of. */
export interface CoverageProjectionOptions {
  readonly log: Pick<ReplayLog, 'read'>;
  readonly lists: StateBucket;
  readonly onTrouble: (error: unknown, what: string) => void;
  /** Told after each transaction. */
  readonly onApplied?: (() => void) | undefined;
  readonly signal: AbortSignal;
}

/** Messages applied in one transaction at most, and how long to wait for the first, milliseconds. */
const BATCH = 512;
const WAIT_MS = 60_000;

/** Runs until aborted. */
export async function runCoverageProjection(ledger: CoverageLedger, options: CoverageProjectionOptions): Promise<void> {
  const { log, lists, signal, onTrouble, onApplied } = options;
  const steps = follow(log, { stream: MATCHES_STREAM, filter: MATCHES_FILTER, ledger, signal }, readStep);
  const letters = follow(log, { stream: DEADLETTER_STREAM, filter: DEADLETTER_FILTER, ledger, signal }, (stored) =>
    readLetter(stored, onTrouble),
  );
  await Promise.all([
    drain(steps, async (batch) => {
      ledger.applySteps(batch, await newLists(ledger, lists, batch));
      onApplied?.();
    }),
    drain(letters, (batch) => ledger.applyLetters(batch)),
  ]);
}

function follow<T>(
  log: Pick<ReplayLog, 'read'>,
  { stream, filter, ledger, signal }: { stream: string; filter: string; ledger: CoverageLedger; signal: AbortSignal },
  parse: (stored: Stored) => T | undefined,
): Pump<T> {
  const pump = new Pump<T>(BATCH);
  const after = ledger.applied(stream);
  const read = async (): Promise<void> => {
    for await (const stored of log.read(filter, after === undefined ? 'first' : { after }, { follow: true, signal })) {
      const one = parse(stored);
      if (one !== undefined) await pump.put(one);
    }
  };
  read().then(
    () => pump.end(),
    (error: unknown) => pump.end(signal.aborted ? undefined : { error }),
  );
  return pump;
}

async function drain<T>(pump: Pump<T>, apply: (batch: readonly T[]) => Promise<void> | void): Promise<void> {
  while (!pump.finished) {
    const batch = await pump.take(BATCH, WAIT_MS);
    if (batch.length > 0) await apply(batch);
  }
}

async function newLists(
  ledger: CoverageLedger,
  bucket: StateBucket,
  steps: readonly CoverageStep[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  for (const { ruleSet } of steps) {
    if (found.has(ruleSet) || ledger.knowsList(ruleSet)) continue;
    const packed = await packedRuleList(bucket, ruleSet);
    if (packed !== undefined) found.set(ruleSet, packed);
  }
  return found;
}

const MATCHES_AT = Buffer.from(',"matches":[');

/** A step without its matches, which are most of it: they stand last, and no text in JSON can look like the beginning of a list. */
function readHead({ body }: Stored): MatchStep {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const at = bytes.indexOf(MATCHES_AT);
  const hasMore = at === -1 || bytes.at(-1) !== 0x7d || bytes.at(-2) !== 0x5d;
  return JSON.parse(hasMore ? bytes.toString() : `${bytes.toString('utf8', 0, at)}}`) as MatchStep;
}

function readStep(stored: Stored): CoverageStep {
  const { partition, ruleSet, order, read, caughtUp } = readHead(stored);
  const { sequence } = parsePosition(stored.position);
  // Steps of former versions said how far all partitions together were read.
  const reads = order === undefined ? {} : read;
  const positions = EVENT_LANES.flatMap((lane): [string, Position][] => {
    const position = reads[lane];
    return position === undefined ? [] : [[EVENTS_STREAM[lane], position]];
  });
  return {
    position: stored.position,
    sequence,
    storedMs: stored.storedMs,
    partition,
    ruleSet,
    order: order ?? 0,
    read: Object.fromEntries(positions.map(([stream, position]) => [stream, parsePosition(position).sequence])),
    positions: Object.fromEntries(positions),
    caughtUp,
  };
}

function readLetter(stored: Stored, onTrouble: CoverageProjectionOptions['onTrouble']): CoverageLetter | undefined {
  try {
    const { letter } = readDeadLetter(stored);
    const { tenant, consumer, source = '', scope = '', state, firstMs: atMs } = letter;
    return { position: stored.position, subject: stored.subject, tenant, consumer, source, scope, atMs, isOpen: state !== 'redriven' };
  } catch (error) {
    if (!isTocsinError(error, 'deadletter.unreadable')) throw error;
    onTrouble(error, 'counting dead letters');
    return undefined;
  }
}
