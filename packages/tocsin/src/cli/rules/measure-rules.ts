/** What rules cost over events of files: judged as the installation judges them, in batches, with a recorder. */
import type { RecordBatch } from '@tocsin/core';
import { type CompiledRules, compileRules, judgeRecords, parseRules, type RuleCost, RuleCostRecorder } from '@tocsin/detect';
import { fieldsOf, type MappingSet } from '@tocsin/ingest';
import { readRuleFiles } from '../read-rule-files.ts';
import { shippedFolder } from '../shipped-folder.ts';
import { type NamedEvent, readEvents, shippedMappings } from './read-events.ts';

/** What was measured. */
export interface MeasuredRules {
  readonly events: number;
  readonly rules: number;
  /** Time of judging, decoding included, milliseconds. */
  readonly totalMs: number;
  readonly costs: readonly RuleCost[];
}

const BATCH = 512;
const WARM_UP = 4 * BATCH;

/** Judges the events of the files once. @throws cli.unreadable */
export async function measureRules(
  files: readonly string[],
  options: { rules: readonly string[]; stdin: AsyncIterable<Uint8Array> },
): Promise<MeasuredRules> {
  const mappings = shippedMappings();
  const { rules } = parseRules(await readRuleFiles(options.rules.length > 0 ? options.rules : [shippedFolder('rules')]));
  const compiled = compileRules(rules, mappings.logSources());
  const cost = new RuleCostRecorder({ nowMs: () => performance.now() });
  let events = 0;
  let totalMs = 0;
  for (const file of files) {
    const read = await readEvents(file, { mappings, stdin: options.stdin });
    // The first events pay for what is compiled when first needed: they are judged once beforehand, uncounted.
    if (events === 0) judge(read.events.slice(0, WARM_UP), { compiled, mappings });
    const begunMs = performance.now();
    judge(read.events, { compiled, mappings, cost });
    totalMs += performance.now() - begunMs;
    events += read.events.length;
  }
  return { events, rules: rules.length, totalMs, costs: cost.costs() };
}

interface Judging {
  readonly compiled: CompiledRules;
  readonly mappings: MappingSet;
  readonly cost?: RuleCostRecorder;
}

function judge(events: readonly NamedEvent[], { compiled, mappings, cost }: Judging): void {
  for (let from = 0; from < events.length; from += BATCH) {
    const batch = events.slice(from, from + BATCH);
    judgeRecords(compiled, batchOf(batch), {
      mappingOf: (index) => batch[index]?.mapping ?? '',
      fieldsOf: (index) => fieldsOf(mappings.formatOf(batch[index]?.mapping ?? '') ?? 'json', batch[index]?.record ?? new Uint8Array()),
      onHit: () => undefined,
      onRuleError: (_index, _ruleId, cause) => {
        throw cause;
      },
      cost,
    });
  }
}

function batchOf(events: readonly NamedEvent[]): RecordBatch {
  const starts = new Uint32Array(events.length);
  const ends = new Uint32Array(events.length);
  let at = 0;
  events.forEach(({ record }, index) => {
    starts[index] = at;
    at += record.length;
    ends[index] = at;
  });
  const bytes = new Uint8Array(at);
  events.forEach(({ record }, index) => {
    bytes.set(record, starts[index]);
  });
  return { count: events.length, bytes, starts, ends };
}
