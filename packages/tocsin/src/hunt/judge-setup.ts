/** What a judge needs, made from plain data: the same in the main thread and in every other. */
import { compileRules, type ParsedRule, type ProgramStore } from '@tocsin/detect/judge';
import type { MappingSet } from '@tocsin/ingest/read';
import { memberRules } from './correlate-matches.ts';
import type { HitDetail, JudgeSetup } from './judge-block.ts';
import { RecordReader } from './record-reader.ts';
import { createTaggedSources, type LogSourceFields } from './tagged-sources.ts';

/** How a hunt judges. */
export interface JudgeChoices {
  readonly logSourceFields: LogSourceFields | undefined;
  readonly detail: HitDetail;
}

/** What a judge may be given beside that. */
export interface JudgeParts extends JudgeChoices {
  /** Where programs of the filter are kept between runs. */
  readonly programs?: ProgramStore | undefined;
}

/** Compiles rules and mappings for one thread. */
export function createJudgeSetup(
  rules: readonly ParsedRule[],
  mappings: MappingSet,
  { logSourceFields, detail, programs }: JudgeParts,
): JudgeSetup {
  // Whatever a record was in its file, a hunt hands it on as one JSON object whose members are its fields (`record-reader.ts`).
  const logSources = mappings.logSources().map((source) => ({ ...source, jsonObjects: { unless: [] } }));
  const compiled = compileRules(rules, logSources, { programs });
  const tagged = logSourceFields === undefined ? undefined : createTaggedSources(logSourceFields, compiled, logSources);
  return { compiled: tagged?.compiled ?? compiled, reader: new RecordReader(mappings, tagged), detail, members: memberRules(compiled) };
}
