/**
 * Matches: what the matcher writes to MATCHES and folds read. A step is one message: how far a partition has been
 * read, the watermarks, and what matched on the way; the newest step of a partition is the matcher's checkpoint.
 */
import type { AlertOrigin, Entity, Evidence, Explanation } from './alert.ts';
import type { Lane } from './event.ts';
import type { EventPosition, Position } from './position.ts';

/** One rule's hit on one event. */
export interface Match {
  readonly ruleId: string;
  readonly tenant: string;
  /** Event time and receive time, milliseconds since 1970. */
  readonly timeMs: number;
  readonly receivedMs: number;
  readonly evidence: Evidence;
  /** Values of the fields that any fold groups by, by field name as the rule writes it. */
  readonly group: Readonly<Record<string, string>>;
  readonly entities: readonly Entity[];
  readonly explanation: readonly Explanation[];
  readonly correlationId?: string | undefined;
}

/**
 * That a catch-up has judged what some rules had missed: from this message on their folds go on from the states it has left. Stands on
 * MATCHES among the steps, so that whoever folds them again takes it at the same place.
 */
export interface CatchUpNote {
  /** Id of the catch-up. */
  readonly job: string;
  readonly tenant: string;
  /** Rules whose states it replaces, each with the version that judged. */
  readonly rules: readonly { readonly id: string; readonly version: string }[];
  /** Last step that the states have seen; they are folded on from there to this message. */
  readonly upTo: Position;
  /** Revisions of alerts that it changes begin here: above all that was written of them before. */
  readonly revision: number;
  /** Frames that were judged: numbers of their messages in a stream, behind one up to another. */
  readonly ranges: readonly { readonly stream: string; readonly partition: number; readonly after: number; readonly upTo: number }[];
}

/** One message on `tocsin.matches.<partition>`. */
export interface MatchStep {
  readonly partition: number;
  /** Identity of the owner that wrote it; ULID. */
  readonly epoch: string;
  /**
   * EVENTS positions up to which this partition has been judged and written, this step included; a lane is absent before its first. Of
   * several steps of a partition in one commit the last one moves it. In steps without `order`, of former versions: those of all partitions.
   */
  readonly read: Readonly<Partial<Record<Lane, Position>>>;
  /** Event-time watermark per `sourceKey`, milliseconds since 1970: no earlier event is expected, idle or not. */
  readonly watermarks: Readonly<Record<string, number>>;
  /** Hash of the rule set that judged these events. */
  readonly ruleSet: string;
  /** Order number of that rule set: a partition never goes back to a lower one. */
  readonly order?: number | undefined;
  /** Events judged in this step, after dedup; and the duplicates left out. */
  readonly judged: number;
  readonly duplicates: number;
  readonly matches: readonly Match[];
  /** Events of this step that could not be judged: each is a dead letter, so that judging the same log again leaves out the same. */
  readonly setAside?: readonly EventPosition[] | undefined;
  /** How these events came; live where absent. */
  readonly origin?: AlertOrigin | undefined;
  /** In place of everything else: that a catch-up was done. Such a step is of no partition. */
  readonly caughtUp?: CatchUpNote | undefined;
}
