/** All public rules over recorded events: the filter loses nothing, does the same in both its forms, and asks for few confirmations. Skipped where the recordings are not there. */
import type { Fields, LogSource } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { hasCorpora, ndjson, needsCorpora, ruleArchive } from '../../test/corpora.ts';
import { judgeAlone } from '../../test/judge-alone.ts';
import { batchOf, logSource } from '../../test/test-sources.ts';
import { sourceOfEvent } from '../../test/windows-routing.ts';
import { compileRules } from '../compile/compile-rules.ts';
import type { CompiledRules } from '../compile/compiled-rules.ts';
import { judgeRecords } from '../match/judge-records.ts';
import { parseRules } from '../parse/parse-rules.ts';
import { createRecordFilter } from './record-filter.ts';

/** Recordings, and every how many events one is taken. */
const RECORDINGS: readonly (readonly [string, number, (event: Fields) => LogSource])[] = [
  ['sigma-evtx-mitre/events.ndjson.gz', 17, sourceOfEvent],
  ['windows-otrf/events/lateral_movement__empire_psexec_dcerpc_tcp_svcctl.ndjson.gz', 23, sourceOfEvent],
  ['windows-otrf/events/defense_evasion__empire_launcher_sct_regsvr32.ndjson.gz', 3, sourceOfEvent],
  ['cloudtrail/invictus-attack-2023-07-10.ndjson.gz', 5, () => logSource({ mapping: 'aws', product: 'aws', services: ['cloudtrail'] })],
];
const encoder = new TextEncoder();

interface Judged {
  readonly hits: readonly string[];
  readonly decoded: number;
}

interface Recorded {
  readonly events: readonly Fields[];
  /** Of each event. */
  readonly sources: readonly LogSource[];
}

function judge(compiled: CompiledRules, { events, sources }: Recorded, by = judgeRecords): Judged {
  const hits: string[] = [];
  let decoded = 0;
  by(compiled, batchOf(events.map((event) => encoder.encode(JSON.stringify(event)))), {
    mappingOf: (index) => sources[index]?.mapping ?? '',
    fieldsOf: (index) => {
      decoded += 1;
      return events[index];
    },
    onHit: ({ index, detection }) => hits.push(`${index} ${detection.rule.meta.id}`),
    onRuleError: (_index, rule, cause) => {
      throw new Error(rule, { cause });
    },
  });
  return { hits, decoded };
}

describe('the filter over public rules and recordings', () => {
  needsCorpora();
  const { rules } = parseRules(hasCorpora ? ruleArchive('sigma-rules/sigmahq-rules.tar.gz') : []);

  it.each(RECORDINGS)(
    'finds in %s what the rules alone find',
    (file, every, sourceOf) => {
      const events = (ndjson(file) as Fields[])
        .filter((_, index) => index % every === 0)
        .map((event) => (event['event'] ?? event) as Fields);
      const sources = events.map(sourceOf);
      const distinct = [...new Map(sources.map((source) => [source.mapping, source])).values()];
      const compiled = compileRules(
        rules,
        distinct.map((source) => ({ ...source, jsonObjects: { unless: [] } })),
      );
      const alone = judge(compiled, { events, sources }, judgeAlone);
      const filtered = judge(compiled, { events, sources });
      expect(filtered.hits).toEqual(alone.hits);
      expect(alone.hits.length).toBeGreaterThan(0);
      expect(filtered.decoded).toBeLessThan(alone.decoded);
      expectTwins(compiled, events, sources);
    },
    120_000,
  );
});

function expectTwins(compiled: CompiledRules, events: readonly Fields[], sources: readonly LogSource[]): void {
  const batch = batchOf(events.map((event) => encoder.encode(JSON.stringify(event))));
  const routes = sources.map(({ mapping }) => compiled.route(mapping));
  const twin = createRecordFilter({ runsAs: 'typescript' });
  twin.scan(batch, routes);
  compiled.filter.scan(batch, routes);
  for (const index of events.keys()) expect(shown(twin.candidates(index))).toEqual(shown(compiled.filter.candidates(index)));
}

function shown(candidates: ArrayLike<number> | 'all'): readonly number[] | 'all' {
  return candidates === 'all' ? candidates : Array.from(candidates);
}
