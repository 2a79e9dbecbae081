/**
 * The coverage ledger: which events were judged under which rule set, as a projection of EVENTS, MATCHES and DEADLETTER. It knows
 * positions, counts and the lists of rules it is given; what a rule is, and what becomes of the figures for people, is not known here.
 *
 * Frames wait until a step of their partition says that it has read past them; then their events are added to the tally of their
 * minute under that step's rule set. Bounded by what EVENTS keeps.
 */
import type { Position } from '@tocsin/core';
import { COVERAGE_SCHEMA, coverageStatements } from './coverage-tables.ts';
import { openProjection, type ProjectionOptions } from './projection.ts';

/** What one source contributed to a frame under one mapping in one minute of event time. */
export interface CoverageTally {
  readonly source: string;
  readonly mapping: string;
  /** Beginning of the minute, milliseconds since 1970. */
  readonly minuteMs: number;
  /** First copies only. */
  readonly events: number;
  /** Of them, those further behind the newest time of their source than the allowed lateness. */
  readonly late: number;
}

/** A frame as the ledger takes it. */
export interface CoveredFrame {
  readonly sequence: number;
  readonly partition: number;
  readonly tenant: string;
  /** Earliest receive time of its events, milliseconds since 1970. */
  readonly receivedMs: number;
  readonly tallies: readonly CoverageTally[];
  /** Newest event time so far of each source in it, milliseconds since 1970. */
  readonly newest: readonly (readonly [source: string, timeMs: number])[];
}

/** Frames of a partition in a stream: behind one number up to another. */
export interface FrameRange {
  readonly stream: string;
  readonly partition: number;
  readonly after: number;
  readonly upTo: number;
}

/** A step of MATCHES as the ledger takes it. */
export interface CoverageStep {
  readonly position: Position;
  readonly sequence: number;
  readonly storedMs: number;
  readonly partition: number;
  readonly ruleSet: string;
  readonly order: number;
  /** Number up to which the partition is read, by stream; and the position there. */
  readonly read: Readonly<Record<string, number>>;
  readonly positions: Readonly<Record<string, Position>>;
  /** What a catch-up has judged. */
  readonly caughtUp?: CaughtUpRanges | undefined;
}

/** What was judged again for some rules. */
export interface CaughtUpRanges {
  readonly job: string;
  readonly tenant: string;
  readonly rules: readonly { readonly id: string; readonly version: string }[];
  readonly ranges: readonly FrameRange[];
}

/** A dead letter as the ledger takes it. */
export interface CoverageLetter {
  readonly position: Position;
  readonly subject: string;
  readonly tenant: string;
  readonly source: string;
  readonly consumer: string;
  readonly scope: string;
  readonly atMs: number;
  /** Whether nobody has handled it since. */
  readonly isOpen: boolean;
}

/** Events of one minute, source and mapping in one partition under one rule set. */
export interface CoverageRow {
  readonly source: string;
  readonly mapping: string;
  readonly minuteMs: number;
  readonly stream: string;
  readonly partition: number;
  /** Order of the rule set; -1 where it is not known, `WAITING_ORDER` where nobody has judged them yet. */
  readonly order: number;
  readonly events: number;
  readonly late: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly receivedMs: number;
}

/** Which rows. */
export interface CoverageQuery {
  readonly tenant: string;
  readonly source?: string | undefined;
  /** Event time, milliseconds since 1970; `toMs` itself is outside. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

/** Order of rows that nobody has judged yet. */
export const WAITING_ORDER = -2;
/** Order of rows that were judged, nobody knows any more under which rule set. */
export const UNKNOWN_ORDER = -1;

/** Where a partition stood at a time: what had been read of it by the last step before, by stream. */
export interface StepMark {
  readonly partition: number;
  readonly read: Readonly<Record<string, Position>>;
}

/** The open ledger. */
export interface CoverageLedger extends Disposable {
  applied(stream: string): Position | undefined;
  /** Applies frames of a stream in order with the position it was read up to. */
  applyFrames(stream: string, position: Position, frames: readonly CoveredFrame[]): void;
  /** Applies steps in order. `lists` are those of rule sets that were not known yet, by hash. */
  applySteps(steps: readonly CoverageStep[], lists: ReadonlyMap<string, Uint8Array>): void;
  applyLetters(letters: readonly CoverageLetter[]): void;
  /** Whether the list of a rule set is kept. */
  knowsList(ruleSet: string): boolean;
  /** Newest event time of each source, by partition, tenant and source. */
  newest(): readonly { readonly partition: number; readonly tenant: string; readonly source: string; readonly timeMs: number }[];
  rows(query: CoverageQuery): Iterable<CoverageRow>;
  /** Mappings and sources of a tenant's events. */
  mappings(tenant: string): readonly string[];
  /** Rule sets by order, with their lists where those are known. */
  ruleSets(): readonly { readonly order: number; readonly ruleSet: string; readonly list: Uint8Array | undefined }[];
  /** What catch-ups have judged for a rule of a tenant. */
  caughtUp(tenant: string, ruleId: string): readonly (FrameRange & { readonly version: string })[];
  /** Open dead letters by source. */
  letters(
    query: CoverageQuery,
  ): readonly { readonly source: string; readonly scope: string; readonly atMs: number; readonly events: number }[];
  /** Receive time of the earliest event at or behind a minute of event time; undefined where there is none. */
  earliestReceipt(tenant: string, fromMinuteMs: number): number | undefined;
  /** Where each partition stood before the minute in which `atMs` lies. */
  marks(atMs: number): readonly StepMark[];
  /** Forgets what stands below a number of a stream, and letters of before a time. */
  forget(stream: string, below: number, lettersBeforeMs: number): void;
}

/** Name of MATCHES and DEADLETTER among the streams of the ledger. */
export const MATCHES_STREAM = 'MATCHES';
export const DEADLETTER_STREAM = 'DEADLETTER';

/** Opens or creates the ledger. The caller disposes it. */
export function openCoverageLedger(options: ProjectionOptions): CoverageLedger {
  const projection = openProjection(options, COVERAGE_SCHEMA);
  const { db } = projection;
  const sql = coverageStatements(db);
  return {
    applied: (stream) => projection.applied(stream),
    applyFrames(stream, position, frames) {
      projection.apply(stream, position, () => {
        for (const frame of frames) sql.addFrame(stream, frame);
        for (const partition of new Set(frames.map((frame) => frame.partition))) sql.settle(stream, partition);
      });
    },
    applySteps(steps, lists) {
      const last = steps.at(-1);
      if (last === undefined) return;
      projection.apply(MATCHES_STREAM, last.position, () => {
        const touched = new Map<string, [string, number]>();
        for (const [ruleSet, list] of lists) sql.addList(ruleSet, list);
        for (const step of steps)
          for (const stream of sql.addStep(step)) touched.set(`${stream} ${step.partition}`, [stream, step.partition]);
        for (const [stream, partition] of touched.values()) sql.settle(stream, partition);
      });
    },
    applyLetters(letters) {
      const last = letters.at(-1);
      if (last !== undefined) projection.apply(DEADLETTER_STREAM, last.position, () => letters.forEach(sql.addLetter));
    },
    knowsList: sql.knowsList,
    newest: sql.newest,
    rows: sql.rows,
    mappings: sql.mappings,
    ruleSets: sql.ruleSets,
    caughtUp: sql.caughtUp,
    letters: sql.letters,
    earliestReceipt: sql.earliestReceipt,
    marks: sql.marks,
    forget: sql.forget,
    [Symbol.dispose]: () => projection[Symbol.dispose](),
  };
}
