/**
 * `node bench/correlate-lane.ts LANE_FILE RULES_FOLDER`: judges every event of a lane by the rules of the folder and takes their matches
 * through the correlations, in a process of its own on one thread; prints what it took as JSON. Reading the file, cutting lines and finding
 * the tags of each event are part of what is measured.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LogSource, Match, MatchStep, Position } from '@tocsin/core';
import { type CompiledRules, compileRules, createFoldSet, groupValues, judgeRecords, parseRules } from '@tocsin/detect';
import { createFieldsReader } from '@tocsin/ingest';
import { passLane, sourceOf, timed } from './detect-lane.ts';

/** What a run of a lane found. */
export interface CorrelatedLane {
  readonly events: number;
  readonly matches: number;
  readonly alerts: number;
  readonly correlations: number;
  readonly groups: number;
  /** Id of each correlation → events at which it held. */
  readonly held: Readonly<Record<string, number>>;
  /** Processor seconds of the first pass and of the fastest; seconds on the wall that the folds took of that. */
  readonly firstSeconds: number;
  readonly cpuSeconds: number;
  readonly foldSeconds: number;
  readonly peakRssBytes: number;
}

const PASSES = 6;

/** Judges and correlates a lane a few times over. */
function runCorrelatedLane(laneFile: string, rulesFolder: string): CorrelatedLane {
  const files = readdirSync(rulesFolder).map((path) => ({ path, text: readFileSync(join(rulesFolder, path), 'utf8') }));
  const { rules, refused } = parseRules(files);
  if (refused[0] !== undefined) throw refused[0].error;
  const sources = new Map<string, LogSource>();
  passLane(laneFile, { mapping: (tags) => sources.set(tags, sourceOf(tags)) });
  const compiled = compileRules(rules, [...sources.values()]);
  // Time is no field of the rules: of the members that are read, it is one more.
  for (const tags of sources.keys()) compiled.route(tags)?.view.slot('@timestamp');
  const [first, firstSeconds] = timed(() => correlate(laneFile, compiled));
  let best = { ...first, cpuSeconds: firstSeconds };
  for (let i = 1; i < PASSES; i++) {
    const [pass, cpuSeconds] = timed(() => correlate(laneFile, compiled));
    if (cpuSeconds < best.cpuSeconds) best = { ...pass, cpuSeconds };
  }
  const correlations = rules.filter((rule) => rule.kind === 'correlation').length;
  return { ...best, firstSeconds, correlations, peakRssBytes: process.resourceUsage().maxRSS * 1024 };
}

type Pass = Omit<CorrelatedLane, 'firstSeconds' | 'cpuSeconds' | 'correlations' | 'peakRssBytes'>;

function correlate(file: string, compiled: CompiledRules): Pass {
  const folds = createFoldSet(compiled);
  const alerts = new Set<string>();
  const counts = { events: 0, matches: 0, foldSeconds: 0 };
  const read = createFieldsReader();
  passLane(file, {
    block: ({ bytes, starts, ends, tags, count }) => {
      const matches: Match[] = [];
      let timeMs = 0;
      judgeRecords(
        compiled,
        { count, bytes, starts, ends },
        {
          mappingOf: (index) => tags[index] as string,
          fieldsOf: (index, members) => {
            const fields = read('json', bytes.subarray(starts[index], ends[index]), members);
            timeMs = Date.parse(String(fields?.['@timestamp']));
            return fields;
          },
          onHit: (hit) => {
            const at = { position: `${counts.events}` as Position, index: hit.index };
            const evidence = { source: 'lane', eventId: '', timeMs, sha256: '', at };
            const { id } = hit.detection.rule.meta;
            const group = groupValues(compiled, hit, () => ({}));
            matches.push({ ruleId: id, tenant: 'race', timeMs, receivedMs: timeMs, evidence, group, entities: [], explanation: [] });
          },
          onRuleError: (_index, rule, cause) => {
            throw new Error(`rule ${rule} threw`, { cause });
          },
        },
      );
      counts.events += count;
      counts.matches += matches.length;
      // By the clock on the wall: asking for processor time at every block would cost more than a twentieth of the pass.
      const begunMs = performance.now();
      for (const alert of folds.advance(stepOf(matches, compiled.ruleSetHash))) alerts.add(alert.id);
      counts.foldSeconds += (performance.now() - begunMs) / 1000;
    },
  });
  return { ...counts, alerts: alerts.size, groups: folds.stats().groups, held: Object.fromEntries(folds.heldEvents()) };
}

function stepOf(matches: readonly Match[], ruleSet: string): MatchStep {
  const watermarkMs = matches.at(-1)?.timeMs ?? Number.NEGATIVE_INFINITY;
  return { partition: 0, epoch: '', read: {}, watermarks: { 'race/lane': watermarkMs }, ruleSet, judged: 0, duplicates: 0, matches };
}

if (import.meta.main) process.stdout.write(JSON.stringify(runCorrelatedLane(process.argv[2] ?? '', process.argv[3] ?? '')));
