/**
 * The path of an event, as code: the only place where packages meet. Read top to bottom.
 *
 *   producers ─► listener or door ─► decoder ─► mapping ─► framer ─► EVENTS ─► matcher ─► MATCHES ─► folds ─► ALERTS ─► alert table ─► API
 *
 * Each function wires one duty and is given its own connection to the bus, whose key allows that duty and nothing else. Beside the path:
 * doors and listeners are opened in `open-ingest.ts`, what acts outside in `effects/start-sinks.ts`, what removes in `flow/`.
 */
import { type EventBus, encodeFrame, type Published, type ReplayLog, type StateStore } from '@tocsin/bus';
import { type Clock, isTocsinError, type Lane, type Position } from '@tocsin/core';
import {
  createFieldsReader,
  createFramer,
  createIntake,
  createSchemaCheck,
  type Framer,
  type Intake,
  type IntakeOptions,
  type MappingSet,
  type StallGuard,
} from '@tocsin/ingest';
import type { AlertTable, CoverageLedger, FrameCatalogue } from '@tocsin/store';
import { runCoverageProjection } from './coverage/coverage-projection.ts';
import { createDrop } from './deadletters/drop.ts';
import { type CorrelateShardsOptions, runCorrelateShards } from './duties/correlate-shards.ts';
import { randomKey } from './duties/frame-dedup.ts';
import { type MatcherOptions, runMatcher } from './duties/matcher.ts';
import { runAlertProjection, runFrameProjection } from './duties/projector.ts';
import type { RuleBook } from './rules/rule-book.ts';
import { eventsSubject } from './subjects.ts';
import { CATCH_UP_BUCKET, MANIFESTS_BUCKET, RULE_LISTS_BUCKET, RULE_SETS_BUCKET, SET_ASIDE_BUCKET } from './topology.ts';

/** Everything on a bus that duties use. */
export type Bus = EventBus & ReplayLog & StateStore;

/** What every duty is given of its surroundings. */
export interface Surroundings {
  readonly clock: Clock;
  /** Makes ULIDs. */
  readonly nextId: () => string;
  /** Told what went wrong and was dealt with, where, and of which event, if of one. */
  readonly onTrouble: (error: unknown, what: string, about?: Readonly<Record<string, unknown>>) => void;
  /** Stops taking in; what was taken in is finished. */
  readonly signal: AbortSignal;
  /** Stops trying to finish. */
  readonly giveUp: AbortSignal;
}

/** 1. Records in, frames on EVENTS. What `intake.emit` answers as stored is fsynced. */
export function wireIngest(
  bus: Bus,
  mappings: MappingSet,
  around: Surroundings & {
    partitions: number;
    site: string;
    maxSkewMs: number;
    stall?: StallGuard;
    makeRoom?: (lane: Lane) => Promise<boolean>;
  } & Pick<IntakeOptions, 'onFlagged' | 'admission' | 'activity' | 'quarantine'>,
): { intake: Intake; framer: Framer } {
  const framer = createFramer({
    partitions: around.partitions,
    site: around.site,
    clock: around.clock,
    nextId: around.nextId,
    encode: encodeFrame,
    async commit(frames) {
      const messages = frames.map(({ lane, partition, tenant, id, bytes }) => ({
        subject: eventsSubject(lane, partition, tenant),
        id,
        body: bytes,
      }));
      const commit = (): Promise<Published[]> => {
        const committing = bus.commit(messages, { asUnit: false });
        return around.stall?.watch(committing) ?? committing;
      };
      // A commit is of one lane, as it is of one stream.
      const makeRoom = async (): Promise<boolean> => frames[0] !== undefined && ((await around.makeRoom?.(frames[0].lane)) ?? false);
      return (await commitWithRoom(commit, makeRoom)).map((published): Position => published.position);
    },
  });
  const intake = createIntake({
    mappings,
    framer,
    clock: around.clock,
    nextId: around.nextId,
    onFlagged: around.onFlagged,
    admission: around.admission,
    activity: around.activity,
    check: createSchemaCheck(mappings.specs),
    quarantine: around.quarantine,
    earlyKey: randomKey(),
    limits: { maxSkewMs: around.maxSkewMs },
  });
  return { intake, framer };
}

/** At the size limit of a stream: what everybody has read makes room; only what nobody may remove is a reason to refuse. @throws as `commit` */
async function commitWithRoom(commit: () => Promise<Published[]>, makeRoom: () => Promise<boolean>): Promise<Published[]> {
  for (;;) {
    try {
      return await commit();
    } catch (error) {
      if (!isTocsinError(error, 'bus.full') || !(await makeRoom())) throw error;
    }
  }
}

/** 2. EVENTS in, MATCHES out. Runs until stopped. */
export function wireMatch(
  bus: Bus,
  mappings: MappingSet,
  around: Surroundings & { partitions: number; idleAfterMs: number; rules: () => RuleBook } & Pick<
      MatcherOptions,
      'costs' | 'samples' | 'isolation' | 'ownership' | 'order' | 'orderReached' | 'onBehind'
    >,
): Promise<void> {
  const read = createFieldsReader();
  return runMatcher({
    ...around,
    bus,
    drop: createDrop({ ...around, bus }),
    epoch: around.nextId(),
    fieldsOf: (frame, index, members) => read(mappings.formatOf(frame.mapping(index)) ?? 'json', frame.record(index), members),
  });
}

/** 3. MATCHES in, ALERTS out. Runs until stopped. */
export function wireCorrelate(
  bus: Bus,
  mappings: MappingSet,
  around: Surroundings &
    Pick<
      CorrelateShardsOptions,
      'shards' | 'ownership' | 'settled' | 'onWaiting' | 'successorOf' | 'health' | 'latenessMs' | 'bookOf' | 'folding'
    >,
): Promise<void> {
  return runCorrelateShards({
    ...around,
    bus,
    drop: createDrop({ ...around, bus }),
    setAside: bus.bucket(SET_ASIDE_BUCKET),
    manifests: bus.bucket(MANIFESTS_BUCKET),
    catchUps: bus.bucket(CATCH_UP_BUCKET),
    ruleSets: bus.bucket(RULE_SETS_BUCKET),
    logSources: mappings.logSources(),
  });
}

/** 4. ALERTS into the alert table, EVENTS into the frame catalogue, both lanes and MATCHES into the coverage ledger. Runs until stopped. */
export async function wireStore(
  bus: Bus,
  files: { alerts: AlertTable; frames: FrameCatalogue; coverage: CoverageLedger },
  around: Surroundings & { latenessMs: number; onApplied: () => void },
): Promise<void> {
  const coverage = { ledger: files.coverage, latenessMs: around.latenessMs };
  await Promise.all([
    runAlertProjection(bus, files.alerts, { ...around, drop: createDrop({ ...around, bus }) }),
    runFrameProjection(bus, files.frames, { ...around, coverage }),
    runCoverageProjection(files.coverage, { ...around, log: bus, lists: bus.bucket(RULE_LISTS_BUCKET) }),
  ]);
}
