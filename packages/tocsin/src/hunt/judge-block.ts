/** Judges one block: the rules' hits in order of its records, and what could not be read. Runs in the main thread or in a thread of its own. */
import { createHash } from 'node:crypto';
import type { Explanation, HotAttributes, Match, Position } from '@tocsin/core';
import { type CompiledRules, entitiesOf, groupValues, judgeRecords, type RecordHit } from '@tocsin/detect/judge';
import type { Block, Unread } from './hunt-block.ts';
import type { RecordReader, Records } from './record-reader.ts';

/** How much is said of a hit: only that it was, where it was, or everything. */
export type HitDetail = 'count' | 'place' | 'full';

/** A rule that holds for a record. */
export interface Hit {
  readonly ruleId: string;
  /** Line the record begins on, counted from the block's first line as 0. */
  readonly line: number;
  /** Event time, milliseconds since 1970; undefined where the record gives none. */
  readonly timeMs: number | undefined;
  readonly attributes: HotAttributes;
  readonly explanation: readonly Explanation[];
  /** The record as it stands in its file, cut at 4 KiB; empty unless everything is said. */
  readonly record: string;
}

/** A hit that a correlation may count. The match's position and event id are filled in by whoever knows the file. */
export interface MemberHit {
  readonly line: number;
  /** Which of the block's records, from 0. */
  readonly index: number;
  readonly match: Match;
}

/** What a block came to. */
export interface BlockVerdict {
  readonly lines: number;
  /** Records that lay in it, those counted that turned out to be none. */
  readonly records: number;
  readonly events: number;
  /** The first of what could not be read, and how much it was. */
  readonly unread: readonly Unread[];
  readonly unreadCount: number;
  /** Hits per rule id. */
  readonly counts: ReadonlyMap<string, number>;
  /** In order of records and, within one, of rules; none where they are only counted. */
  readonly hits: readonly Hit[];
  readonly members: readonly MemberHit[];
  /** Rules that threw: our bug, kept to the one rule and record. */
  readonly ruleErrors: readonly { readonly ruleId: string; readonly line: number; readonly reason: string }[];
}

/** What a judge is made of. */
export interface JudgeSetup {
  readonly compiled: CompiledRules;
  readonly reader: RecordReader;
  readonly detail: HitDetail;
  /** Rules whose hits correlations count; with whether those hits are results of their own as well. */
  readonly members: ReadonlyMap<string, { readonly isSilent: boolean }>;
}

/** Unread records of a block that are told one by one; the others are counted. */
const MOST_UNREAD = 20;
const RECORD_BYTES = 4096;
/** Tenant of everything in a hunt. */
const TENANT = 'hunt';

/** Judges a block whose file was last written at `changedMs`. */
export function judgeBlock(setup: JudgeSetup, block: Block, changedMs: number): BlockVerdict {
  const records = setup.reader.open(block, changedMs);
  const findings = new Findings(setup, records, changedMs);
  judgeRecords(setup.compiled, records.batch, {
    mappingOf: (index) => records.sourceOf(index),
    fieldsOf: (index) => records.fieldsOf(index),
    onHit: (hit) => findings.add(hit),
    onRuleError: (index, ruleId, cause) => findings.ruleErrors.push({ ruleId, line: records.lineOf(index), reason: String(cause) }),
  });
  const { counts, hits, members, ruleErrors } = findings;
  return {
    lines: records.lineCount,
    records: records.batch.count,
    events: records.batch.count - records.disowned(),
    unread: records.unread.slice(0, MOST_UNREAD),
    unreadCount: records.unread.length,
    counts,
    hits,
    members,
    ruleErrors,
  };
}

class Findings {
  readonly counts = new Map<string, number>();
  readonly hits: Hit[] = [];
  readonly members: MemberHit[] = [];
  readonly ruleErrors: { ruleId: string; line: number; reason: string }[] = [];
  readonly #setup: JudgeSetup;
  readonly #records: Records;
  readonly #changedMs: number;

  constructor(setup: JudgeSetup, records: Records, changedMs: number) {
    this.#setup = setup;
    this.#records = records;
    this.#changedMs = changedMs;
  }

  add(hit: RecordHit): void {
    const { id } = hit.detection.rule.meta;
    const member = this.#setup.members.get(id);
    if (member !== undefined) this.members.push(this.#describeMember(hit));
    if (member?.isSilent === true) return;
    this.counts.set(id, (this.counts.get(id) ?? 0) + 1);
    if (this.#setup.detail !== 'count') this.hits.push(this.#describe(hit));
  }

  #describe({ index, detection }: RecordHit): Hit {
    const { timeMs, attributes } = this.#records.mappedOf(index);
    const isFull = this.#setup.detail === 'full';
    return {
      ruleId: detection.rule.meta.id,
      line: this.#records.lineOf(index),
      timeMs,
      attributes,
      explanation: isFull ? detection.explain() : [],
      record: isFull ? new TextDecoder().decode(this.#bytesOf(index).subarray(0, RECORD_BYTES)) : '',
    };
  }

  #describeMember(hit: RecordHit): MemberHit {
    const { index, route, detection } = hit;
    const mapped = this.#records.mappedOf(index);
    const timeMs = mapped.timeMs ?? this.#changedMs;
    const evidence = {
      source: TENANT,
      eventId: '',
      timeMs,
      sha256: createHash('sha256').update(this.#bytesOf(index)).digest('hex'),
      at: { position: '' as Position, index: 0 },
    };
    const match: Match = {
      ruleId: detection.rule.meta.id,
      tenant: TENANT,
      timeMs,
      receivedMs: timeMs,
      evidence,
      group: groupValues(this.#setup.compiled, hit, () => mapped.attributes),
      entities: entitiesOf(mapped.attributes, route.logSource, TENANT),
      explanation: [],
    };
    return { line: this.#records.lineOf(index), index, match };
  }

  #bytesOf(index: number): Uint8Array {
    const { bytes, starts, ends } = this.#records.batch;
    return bytes.subarray(starts[index], ends[index]);
  }
}
