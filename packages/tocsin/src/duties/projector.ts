/**
 * Keeps the projections up with the log: alert table from ALERTS, frame catalogue from EVENTS. Each resumes from the
 * position its own file records; nothing here ever answers a question.
 */
import type { ReplayLog, Start } from '@tocsin/bus';
import type { Clock, FrameView, Lane } from '@tocsin/core';
import type { AlertChange, AlertTable, CataloguedFrame, FrameCatalogue, SourceTally } from '@tocsin/store';
import { ALERTS_FILTER, EVENTS_STREAM } from '../subjects.ts';
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
const PRUNE_EVERY_MS = 3_600_000;
const LANES: readonly Lane[] = ['live', 'bulk'];

/** Applies ALERTS to the alert table until aborted. `onApplied` is told after each transaction. */
export async function runAlertProjection(
  log: ReplayLog,
  table: AlertTable,
  follow: { signal: AbortSignal; onApplied: () => void },
): Promise<void> {
  const pump = new Pump<AlertChange>(BATCH);
  const after = table.applied();
  const read = async (): Promise<void> => {
    for await (const stored of log.read(ALERTS_FILTER, after ? { after } : 'first', { follow: true, signal: follow.signal })) {
      await pump.put({ position: stored.position, alert: parseAlert(stored) });
    }
  };
  read().then(
    () => pump.end(),
    (error: unknown) => pump.end(follow.signal.aborted ? undefined : { error }),
  );
  while (!pump.finished) {
    table.apply(await pump.take(BATCH, WAIT_MS));
    follow.onApplied();
  }
}

/** How the frame catalogue is kept. */
export interface FrameProjectionOptions {
  readonly signal: AbortSignal;
  /** Told after each transaction. */
  readonly onApplied?: (() => void) | undefined;
  readonly clock: Clock;
  /** How long the log keeps frames, milliseconds; 0 for ever. */
  readonly keptMs: number;
}

/** Applies EVENTS to the frame catalogue until aborted. */
export async function runFrameProjection(
  log: ReplayLog,
  catalogue: FrameCatalogue,
  { signal, clock, keptMs, onApplied }: FrameProjectionOptions,
): Promise<void> {
  const dedup = new FrameDedup();
  for (const lane of LANES) {
    const until = catalogue.applied(EVENTS_STREAM[lane]);
    if (until !== undefined) await refillDedup(log, { dedup, lane, until });
  }
  let nextPruneMs = 0;
  const from = (lane: Lane): Start => {
    const after = catalogue.applied(EVENTS_STREAM[lane]);
    return after ? { after } : 'first';
  };
  const feed = openFrameFeed(log, { from, signal });
  while (!feed.finished) {
    const feds = await feed.take(BATCH, WAIT_MS, GATHER_MS);
    const frames = feds.flatMap((fed) => (fed.frame ? [catalogued(fed, fed.frame, dedup)] : []));
    for (const lane of LANES) {
      catalogue.apply(frames.filter((frame) => frame.stream === EVENTS_STREAM[lane]));
      const last = feds.findLast((fed) => fed.lane === lane);
      if (last && !last.frame) catalogue.pass(EVENTS_STREAM[lane], last.position);
    }
    onApplied?.();
    if (keptMs === 0 || clock.monotonicMs() < nextPruneMs) continue;
    catalogue.prune(clock.nowMs() - keptMs);
    nextPruneMs = clock.monotonicMs() + PRUNE_EVERY_MS;
  }
}

function catalogued(fed: FedFrame, frame: FrameView, dedup: FrameDedup): CataloguedFrame {
  const verdicts = dedup.judge(fed.lane, frame);
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
  return { stream: EVENTS_STREAM[fed.lane], position: fed.position, header: frame.header, sources: [...tallies.values()] };
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
