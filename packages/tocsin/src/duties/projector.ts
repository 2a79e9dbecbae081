/**
 * Keeps the projections up with the log: alert table from ALERTS, frame catalogue from EVENTS. Each resumes from the
 * position its own file records; nothing here ever answers a question.
 */
import { comparePositions, parsePosition, type ReplayLog, type Start, type Stored, type SubjectFilter } from '@tocsin/bus';
import { type Clock, type DedupVerdict, decodeToken, type FrameView, isTocsinError, type Lane, type Position } from '@tocsin/core';
import type { AlertChange, AlertTable, CataloguedFrame, CoverageLedger, CoveredFrame, FrameCatalogue, SourceTally } from '@tocsin/store';
import { CoveredFrames } from '../coverage/covered-frames.ts';
import type { Drop, Dropped } from '../deadletters/drop.ts';
import { ALERTS_FILTER, EVENTS_STREAM, eventsFilter } from '../subjects.ts';
import { STORE_CONSUMER } from '../topology.ts';
import { parseAlert } from './alert-writer.ts';
import { FrameDedup } from './frame-dedup.ts';
import { type FedFrame, openFrameFeed } from './frame-feed.ts';
import { refillDedup } from './partition-progress.ts';
import { Pump } from './pump.ts';

/** Messages applied in one transaction at most, and how long to wait for the first, milliseconds. */
const BATCH = 256;
const WAIT_MS = 60_000;
/** How long frames gather for one transaction of the catalogue, milliseconds: nobody waits for it, and a transaction costs as much as twenty frames. */
const GATHER_MS = 100;
/** How often frames that the log no longer keeps are forgotten, milliseconds. */
const FORGET_EVERY_MS = 60_000;
/** How long dead letters are counted, milliseconds: as long as they are kept. */
const LETTERS_KEPT_MS = 30 * 86_400_000;
const LANES: readonly Lane[] = ['live', 'bulk'];

/** Applies ALERTS to the alert table until aborted. `onApplied` is told after each transaction. */
export async function runAlertProjection(
  log: ReplayLog,
  table: AlertTable,
  follow: { signal: AbortSignal; onApplied: () => void; drop: Drop; clock: Clock },
): Promise<void> {
  const pump = new Pump<Stored>(BATCH);
  const after = table.applied();
  const read = async (): Promise<void> => {
    for await (const stored of log.read(ALERTS_FILTER, after ? { after } : 'first', { follow: true, signal: follow.signal })) {
      await pump.put(stored);
    }
  };
  read().then(
    () => pump.end(),
    (error: unknown) => pump.end(follow.signal.aborted ? undefined : { error }),
  );
  let nextForgetMs = 0;
  while (!pump.finished) {
    await applyAlerts(table, await pump.take(BATCH, WAIT_MS), follow);
    follow.onApplied();
    if (follow.clock.monotonicMs() < nextForgetMs) continue;
    const removed = await removedUpTo(log, ALERTS_FILTER, table.applied());
    if (removed !== undefined) table.forget(removed);
    nextForgetMs = follow.clock.monotonicMs() + FORGET_EVERY_MS;
  }
}

/** Applies messages at once while all goes well, else one by one: what cannot be applied is a dead letter and passed. */
async function applyAlerts(table: AlertTable, batch: readonly Stored[], follow: { drop: Drop; clock: Clock }): Promise<void> {
  try {
    table.apply(batch.map(changeOf));
  } catch (error) {
    // A file that cannot be written is no message's fault: the thread starts anew and applies the same.
    if ((error as { code?: string }).code === 'ERR_SQLITE_ERROR') throw error;
    const [stored] = batch;
    if (batch.length > 1) for (const one of batch) await applyAlerts(table, [one], follow);
    else if (stored !== undefined) await follow.drop(unappliable(stored, String(error), follow.clock.nowMs()), 'unreadable');
  }
}

function changeOf(stored: Stored): AlertChange {
  const { position } = stored;
  return { position, sequence: parsePosition(position).sequence, alert: parseAlert(stored) };
}

function unappliable({ subject, position, id, headers, body }: Stored, text: string, atMs: number): Dropped {
  const tenant = decodeToken(subject.split('.')[2] ?? '');
  const consumer = STORE_CONSUMER;
  return { tenant, consumer, kind: 'message', subject, position, messageId: id, headers, body, errors: [{ attempt: 1, atMs, text }] };
}

/** How the frame catalogue is kept. */
export interface FrameProjectionOptions {
  readonly signal: AbortSignal;
  /** Told after each transaction. */
  readonly onApplied?: (() => void) | undefined;
  readonly clock: Clock;
  /** What is fed with the same frames, where there is one, and how far out of order events may come, milliseconds. */
  readonly coverage?: { readonly ledger: CoverageLedger; readonly latenessMs: number } | undefined;
}

/** Where frames go. */
interface FrameTables {
  readonly catalogue: FrameCatalogue;
  readonly ledger: CoverageLedger | undefined;
  readonly covered: CoveredFrames | undefined;
  readonly dedup: FrameDedup;
}

/** Applies EVENTS to the frame catalogue, and to the coverage ledger with it, until aborted. */
export async function runFrameProjection(
  log: ReplayLog,
  catalogue: FrameCatalogue,
  { signal, clock, onApplied, coverage }: FrameProjectionOptions,
): Promise<void> {
  const dedup = new FrameDedup();
  const ledger = coverage?.ledger;
  const tables = { catalogue, ledger, covered: coverage && new CoveredFrames(coverage.ledger, coverage.latenessMs), dedup };
  for (const lane of LANES) {
    const until = appliedOf(tables, lane);
    if (until !== undefined) await refillDedup(log, { dedup, lane, until });
  }
  let nextForgetMs = 0;
  const from = (lane: Lane): Start => {
    const after = appliedOf(tables, lane);
    return after ? { after } : 'first';
  };
  const feed = openFrameFeed(log, { from, signal });
  while (!feed.finished) {
    const taken = await feed.take(BATCH, WAIT_MS, GATHER_MS);
    for (const lane of LANES)
      applyLane(
        tables,
        lane,
        taken.filter((fed) => fed.lane === lane),
      );
    onApplied?.();
    if (clock.monotonicMs() < nextForgetMs) continue;
    await forgetRemoved(log, tables, clock.nowMs() - LETTERS_KEPT_MS);
    nextForgetMs = clock.monotonicMs() + FORGET_EVERY_MS;
  }
}

/** What both tables have applied of a lane: one that was removed is filled again, and the other passes over what it has. */
function appliedOf({ catalogue, ledger }: Pick<FrameTables, 'catalogue' | 'ledger'>, lane: Lane): Position | undefined {
  const applied = catalogue.applied(EVENTS_STREAM[lane]);
  if (ledger === undefined || applied === undefined) return applied;
  const covered = ledger.applied(EVENTS_STREAM[lane]);
  return covered === undefined || comparePositions(covered, applied) < 0 ? covered : applied;
}

/** Forgets what stands before the head of each lane. While the log cannot be asked, nothing is forgotten. */
async function forgetRemoved(
  log: Pick<ReplayLog, 'info'>,
  { catalogue, ledger }: Pick<FrameTables, 'catalogue' | 'ledger'>,
  lettersBeforeMs: number,
): Promise<void> {
  for (const lane of LANES) {
    const stream = EVENTS_STREAM[lane];
    const upTo = await removedUpTo(log, eventsFilter(lane), catalogue.applied(stream));
    if (upTo === undefined) continue;
    catalogue.forget({ stream, upTo });
    ledger?.forget(stream, upTo + 1, lettersBeforeMs);
  }
}

/** Number of the last message that the log no longer keeps; undefined while it cannot be asked. */
async function removedUpTo(
  log: Pick<ReplayLog, 'info'>,
  filter: SubjectFilter,
  applied: Position | undefined,
): Promise<number | undefined> {
  try {
    const { first } = await log.info(filter);
    // Nothing is left: whatever has been applied so far is gone.
    return first === undefined ? applied && parsePosition(applied).sequence : parsePosition(first).sequence - 1;
  } catch (error) {
    if (!isTocsinError(error) || error.retry === 'never') throw error;
    return undefined;
  }
}

/** What is no frame is passed all the same: whoever waits for its position must not wait for ever. */
function applyLane({ catalogue, ledger, covered, dedup }: FrameTables, lane: Lane, taken: readonly FedFrame[]): void {
  const last = taken.at(-1);
  if (!last) return;
  const stream = EVENTS_STREAM[lane];
  const isNew = (applied: Position | undefined) => (fed: FedFrame) => applied === undefined || comparePositions(fed.position, applied) > 0;
  const forCatalogue = isNew(catalogue.applied(stream));
  const forLedger = ledger === undefined || covered === undefined ? () => false : isNew(ledger.applied(stream));
  const frames: CataloguedFrame[] = [];
  const coveredFrames: CoveredFrame[] = [];
  for (const fed of taken) {
    if (fed.frame === undefined) continue;
    const judged = { fed, frame: fed.frame, verdicts: dedup.judge(lane, fed.frame) };
    if (forCatalogue(fed)) frames.push(catalogued(judged));
    if (covered !== undefined && forLedger(fed)) coveredFrames.push(covered.take(fed, fed.frame, judged.verdicts));
    // Of what gathers, one body at a time is in memory.
    fed.frame.release();
  }
  if (forCatalogue(last)) catalogue.apply(stream, last.position, frames);
  if (forLedger(last)) ledger?.applyFrames(stream, last.position, coveredFrames);
}

interface JudgedFrame {
  readonly fed: FedFrame;
  readonly frame: FrameView;
  readonly verdicts: readonly DedupVerdict[];
}

function catalogued({ fed, frame, verdicts }: JudgedFrame): CataloguedFrame {
  const tallies = new Map<string, Mutable<SourceTally>>();
  verdicts.forEach((verdict, i) => {
    const tally = tallyOf(tallies, frame.source(i));
    if (verdict === 'duplicate') tally.duplicates += 1;
    else tally.events += 1;
    if (verdict === 'conflict') tally.conflicts += 1;
    tally.bytes += frame.record(i).length;
    tally.lastTimeMs = Math.max(tally.lastTimeMs, frame.timeMs(i));
    tally.lastReceivedMs = Math.max(tally.lastReceivedMs, frame.receivedMs(i));
  });
  const { sequence } = parsePosition(fed.position);
  const bytes = fed.stored.body.length;
  return { stream: EVENTS_STREAM[fed.lane], position: fed.position, sequence, bytes, header: frame.header, sources: [...tallies.values()] };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function tallyOf(tallies: Map<string, Mutable<SourceTally>>, source: string): Mutable<SourceTally> {
  let tally = tallies.get(source);
  if (!tally) {
    tally = { source, events: 0, duplicates: 0, conflicts: 0, bytes: 0, lastTimeMs: 0, lastReceivedMs: 0 };
    tallies.set(source, tally);
  }
  return tally;
}
