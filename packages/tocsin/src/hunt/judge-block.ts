/** Judges one block: the rules' hits in order of its records, and what could not be read. Runs in the main thread or in a thread of its own. */
import type { Explanation, HotAttributes } from '@tocsin/core';
import { type CompiledRules, judgeRecords, type RecordHit } from '@tocsin/detect';
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

/** What a block came to. */
export interface BlockVerdict {
  readonly lines: number;
  readonly events: number;
  readonly unread: readonly Unread[];
  readonly unreadCount: number;
  /** Hits per rule id. */
  readonly counts: Readonly<Record<string, number>>;
  readonly hits: readonly Hit[];
  readonly ruleErrors: readonly { readonly ruleId: string; readonly line: number; readonly reason: string }[];
}

/** What a judge is made of. */
export interface JudgeSetup {
  readonly compiled: CompiledRules;
  readonly reader: RecordReader;
  readonly detail: HitDetail;
}

/** Unread records of a block that are told one by one; the others are counted. */
const MOST_UNREAD = 20;
const RECORD_BYTES = 4096;

/** Judges a block whose file was last written at `changedMs`. */
export function judgeBlock({ compiled, reader, detail }: JudgeSetup, block: Block, changedMs: number): BlockVerdict {
  const records = reader.open(block, changedMs);
  const counts = new Map<string, number>();
  const hits: Hit[] = [];
  const ruleErrors: { ruleId: string; line: number; reason: string }[] = [];
  judgeRecords(compiled, records.batch, {
    mappingOf: (index) => records.mappingOf(index),
    fieldsOf: (index) => records.fieldsOf(index),
    onHit: (hit) => {
      const { id } = hit.detection.rule.meta;
      counts.set(id, (counts.get(id) ?? 0) + 1);
      if (detail !== 'count') hits.push(describe(hit, records, detail === 'full'));
    },
    onRuleError: (index, ruleId, cause) => ruleErrors.push({ ruleId, line: records.lineOf(index), reason: String(cause) }),
  });
  return {
    lines: records.lineCount,
    events: records.batch.count - records.disowned(),
    unread: records.unread.slice(0, MOST_UNREAD),
    unreadCount: records.unread.length,
    counts: Object.fromEntries(counts),
    hits,
    ruleErrors,
  };
}

function describe({ index, detection }: RecordHit, records: Records, isFull: boolean): Hit {
  const { batch } = records;
  const { timeMs, attributes } = records.mappedOf(index);
  const start = batch.starts[index] ?? 0;
  const end = Math.min(batch.ends[index] ?? 0, start + RECORD_BYTES);
  return {
    ruleId: detection.rule.meta.id,
    line: records.lineOf(index),
    timeMs,
    attributes,
    explanation: isFull ? detection.explain() : [],
    record: isFull ? new TextDecoder().decode(batch.bytes.subarray(start, end)) : '',
  };
}
