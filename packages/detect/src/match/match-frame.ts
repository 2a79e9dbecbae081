/**
 * The matches of a frame: what `judge-records.ts` found, described for the folds and for people. What several matches mean together is
 * for the folds.
 */
import { type EventPosition, type Fields, type FrameView, type Match, type Position, sha256Hex } from '@tocsin/core';
import type { CompiledRules } from '../compile/compiled-rules.ts';
import { entitiesOf } from './entities.ts';
import { groupValues } from './group-values.ts';
import { judgeRecords, type RecordHit } from './judge-records.ts';
import type { RuleCostRecorder } from './rule-cost.ts';

/** What matching a frame needs from outside. */
export interface MatchFrameOptions {
  /**
   * Fields of an event as its decoder reads them; undefined where it cannot be decoded. Called only for events that rules ask for. With `members`,
   * others of the first level may be left out.
   */
  fieldsOf(frame: FrameView, index: number, members?: ReadonlySet<string>): Fields | undefined;
  /** Whether to pass over an event, such as a duplicate. */
  skip?: ((index: number) => boolean) | undefined;
  /** Told of a rule that threw on an event; the event goes on to the other rules. */
  onRuleError?: ((error: RuleError) => void) | undefined;
  /** Counts what each rule costs and which mappings come in. */
  cost?: RuleCostRecorder | undefined;
}

/** A rule that threw: our bug, kept to the one rule and event. */
export interface RuleError {
  readonly ruleId: string;
  readonly at: EventPosition;
  readonly cause: unknown;
}

/** Matches per (rule, entity) in a frame that carry an excerpt and an explanation: a flood needs the first few only. */
const DETAILED_PER_GROUP = 3;
const EXCERPT_BYTES = 4096;

/** Matches of a frame that stands at `at`, in the order of its events. */
// oxlint-disable-next-line max-params -- R3: what is judged, by what, where it stands and how to read it: an object of four would name nothing better.
export function matchFrame(compiled: CompiledRules, frame: FrameView, at: Position, options: MatchFrameOptions): Match[] {
  const scan: Scan = { compiled, frame, at, detailed: new Map(), hashes: new Map() };
  const matches: Match[] = [];
  judgeRecords(compiled, frame.records(), {
    mappingOf: options.cost === undefined ? (index) => frame.mapping(index) : seenMapping(frame, options.cost),
    fieldsOf: (index, members) => options.fieldsOf(frame, index, members),
    skip: options.skip,
    onHit: (hit) => matches.push(describe(scan, hit)),
    cost: options.cost,
    onRuleError: (index, ruleId, cause) => options.onRuleError?.({ ruleId, at: { position: at, index }, cause }),
  });
  return matches;
}

/** The mapping of each record; every new one is told. */
function seenMapping(frame: FrameView, cost: RuleCostRecorder): (index: number) => string {
  let last: string | undefined;
  return (index) => {
    const mapping = frame.mapping(index);
    if (mapping !== last) cost.sees(mapping);
    last = mapping;
    return mapping;
  };
}

interface Scan {
  readonly compiled: CompiledRules;
  readonly frame: FrameView;
  readonly at: Position;
  /** Detailed matches so far per rule and entity. */
  readonly detailed: Map<string, number>;
  /** SHA-256 of the records that matched, by index: most match several rules. */
  readonly hashes: Map<number, string>;
}

function describe(scan: Scan, { route, detection, index }: RecordHit): Match {
  const { frame } = scan;
  const sha256 = hashOf(scan, index);
  const event = frame.event(index);
  const ruleId = detection.rule.meta.id;
  const entities = entitiesOf(event.attributes, route.logSource, event.source);
  const isDetailed = countDetailed(scan.detailed, `${ruleId} ${entities[0]?.kind} ${entities[0]?.value}`);
  return {
    ruleId,
    tenant: event.tenant,
    timeMs: event.timeMs,
    receivedMs: event.receivedMs,
    evidence: {
      source: event.source,
      eventId: event.id,
      timeMs: event.timeMs,
      sha256,
      at: { position: scan.at, index },
      ...(isDetailed ? { excerpt: excerptOf(event.record) } : {}),
    },
    group: groupValues(scan.compiled, { route, detection, index }, () => event.attributes),
    entities,
    explanation: isDetailed ? detection.explain() : [],
    ...(event.correlationId === undefined ? {} : { correlationId: event.correlationId }),
  };
}

function hashOf({ frame, hashes }: Scan, index: number): string {
  const sha256 = hashes.get(index) ?? sha256Hex(frame.record(index));
  hashes.set(index, sha256);
  return sha256;
}

function countDetailed(detailed: Map<string, number>, group: string): boolean {
  const before = detailed.get(group) ?? 0;
  if (before >= DETAILED_PER_GROUP) return false;
  detailed.set(group, before + 1);
  return true;
}

function excerptOf(record: Uint8Array): string {
  // `stream` keeps back a character that the cut went through.
  return new TextDecoder().decode(record.subarray(0, EXCERPT_BYTES), { stream: record.length > EXCERPT_BYTES });
}
