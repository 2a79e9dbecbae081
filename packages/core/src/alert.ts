/**
 * The alert: what a fold found, with its evidence. A message on ALERTS carries the whole alert after one change,
 * so the newest message of a subject is the alert's state and a projection needs no history.
 */
import type { EventPosition } from './position.ts';
import type { SeverityId } from './severity.ts';

/** How the alert came about. Nothing acts automatically on any but `live`. */
export type AlertOrigin = 'live' | 'catch-up' | 'redrive' | 'restored';

/** Where people stand with an alert. */
export type AlertStatus = 'new' | 'acknowledged' | 'resolved' | 'false_positive';

/** Kinds of entity an alert can be about (OCSF observable vocabulary, in short). */
export type EntityKind = 'host' | 'user' | 'ip' | 'process' | 'resource' | 'source';

/** Something an alert is about, such as host `WORKSTATION5`. */
export interface Entity {
  readonly kind: EntityKind;
  readonly value: string;
}

/** One event that led to an alert, findable in the log and kept in part so that the alert outlives it. */
export interface Evidence {
  readonly source: string;
  readonly eventId: string;
  readonly timeMs: number;
  /** SHA-256 of the event's original bytes, hex. */
  readonly sha256: string;
  /** Where it stood when matched: a hint, void after retention. */
  readonly at: EventPosition;
  /** Original bytes as UTF-8 text, cut at 4 KiB; given for an alert's first events only. */
  readonly excerpt?: string | undefined;
}

/** The rule behind an alert, as it was when it matched. */
export interface AlertRule {
  readonly id: string;
  readonly title: string;
  /** Content hash of the rule, hex. */
  readonly version: string;
  /** Hash of the rule set in force: each event is judged by exactly one. */
  readonly ruleSet: string;
  readonly author?: string | undefined;
  readonly references: readonly string[];
  /** Sigma tags, such as `attack.t1003.001`. */
  readonly tags: readonly string[];
  /** ATT&CK technique ids out of the tags, such as `T1003.001`. */
  readonly techniques: readonly string[];
}

/** One condition that held: which field, which value (cut at 256 characters), against which pattern. */
export interface Explanation {
  readonly selection: string;
  readonly field: string;
  readonly value: string;
  readonly pattern: string;
}

/** An alert after its latest change. */
export interface Alert {
  /** hash(tenant, rule id, group key, anchor), 32 hex digits: replaying the log gives the same. */
  readonly id: string;
  readonly tenant: string;
  readonly origin: AlertOrigin;
  readonly rule: AlertRule;
  readonly severity: SeverityId;
  /** 0 … 100. */
  readonly score: number;
  readonly status: AlertStatus;
  /** What the hits were grouped by, such as `{ host: 'WORKSTATION5' }`. */
  readonly groupBy: Readonly<Record<string, string>>;
  readonly entities: readonly Entity[];
  /** Exact number of events counted, each once. */
  readonly count: number;
  /** Event time of the earliest and latest event counted, milliseconds since 1970. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Receive time of the event that made this change, milliseconds since 1970. */
  readonly receivedMs: number;
  /** First events, at most 10, in log order. */
  readonly evidence: readonly Evidence[];
  readonly explanation: readonly Explanation[];
  /** What to do next: the rule's description and false positives. */
  readonly advice: string;
  /** Ids of events and alerts this alert follows from. */
  readonly causation: readonly string[];
  /** How many changes the fold has made, from 1: a replayed change is recognised by it. */
  readonly foldRevision: number;
  /** Last act of a person or program on it, absent while untouched. */
  readonly lastAct?: AlertAct | undefined;
  /** How the change came that this message tells of, where it came otherwise than the alert: nothing acts on it but on what is `live`. */
  readonly changedBy?: AlertOrigin | undefined;
  /** Id of the alert that has its events since a catch-up found that this one began too late. It is not listed any more. */
  readonly supersededBy?: string | undefined;
}

/** What a person or program did to an alert. */
export interface AlertAct {
  readonly kind: 'acknowledge' | 'resolve' | 'false-positive' | 'reopen';
  readonly actor: string;
  readonly atMs: number;
  readonly note?: string | undefined;
}
