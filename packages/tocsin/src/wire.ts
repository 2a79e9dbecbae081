/**
 * The path of an event, as code: the only place where packages meet. Read top to bottom.
 *
 *   producers ─► listener ─► decoder ─► mapping ─► framer ─► EVENTS ─► matcher ─► MATCHES ─► folds ─► ALERTS ─► alert table ─► API
 *
 * Each function wires one duty and is given its own connection to the bus, whose key allows that duty and nothing else.
 */
import { encodeFrame, type EventBus, type ReplayLog, type StateStore } from '@tocsin/bus';
import type { Clock, Fields, FrameView, Lane, LogSource, MatchStep } from '@tocsin/core';
import { createFramer, createIntake, defaultDecodeLimits, type Framer, fieldsOf, type Intake, loadMappings, type MappingSet, readShippedMappings, recordReader } from '@tocsin/ingest';
import type { AlertTable, FrameCatalogue } from '@tocsin/store';
import { runCorrelator } from './duties/correlator.ts';
import { runMatcher } from './duties/matcher.ts';
import { runAlertProjection, runFrameProjection } from './duties/projector.ts';
import type { RuleBook } from './rules/rule-book.ts';
import { eventsSubject } from './subjects.ts';
import { MANIFESTS_BUCKET, RULE_SETS_BUCKET } from './topology.ts';

/** Everything on a bus that duties use. */
export type Bus = EventBus & ReplayLog & StateStore;

/** What duties are given of their surroundings. */
export interface Surroundings {
  readonly clock: Clock;
  readonly nextId: () => string;
  readonly onTrouble: (error: unknown, what: string) => void;
  /** Stops taking in; what was taken in is finished. */
  readonly signal: AbortSignal;
  /** Stops trying to finish. */
  readonly giveUp: AbortSignal;
}
