/**
 * `node --expose-gc bench/correlate-fold.ts`: what folds alone take of matches that are there already, and what they remember, in a
 * process of its own; prints both as JSON. Matches are read from the JSON of steps, as the correlator reads them; that is not measured.
 */
import type { LogSource, MatchStep } from '@tocsin/core';
import { type CompiledRules, compileRules, createFoldSet, parseRules } from '@tocsin/detect';
import { timed } from './detect-lane.ts';

/** What a run of folds over made-up matches took. */
export interface FoldRun {
  readonly name: string;
  readonly matchesPerSecond: number;
  readonly groups: number;
  readonly held: number;
  readonly late: number;
}

/** What folds remember: bytes of the heap and of arrays, before and after. */
export interface FoldMemory {
  readonly name: string;
  readonly bytesEach: number;
  readonly count: number;
  /** What the folds' own estimate says, for the bound on all states. */
  readonly estimateEach: number;
}

interface Load {
  readonly matches: number;
  readonly distinct: number;
  readonly groups: number;
  readonly stepMs: number;
}

const STEP = 512;
const COUNT = '{ type: event_count, rules: [base], group-by: [k], timespan: 10m, condition: { gte: 1000000 } }';
const VALUES = '{ type: value_count, rules: [base], group-by: [k], timespan: 10m, condition: { field: v, gte: 1000000 } }';
const HELD = VALUES.replace('1000000', '1800');

/** Correlation, matches and how they lie in time: the number of distinct values in a window is `distinct`, or what ten minutes hold. */
const LOADS: readonly (readonly [string, string, Load])[] = [
  ['value_count, 10 distinct values in a window', VALUES, { matches: 400_000, distinct: 10, groups: 1, stepMs: 100 }],
  ['value_count, 1,800 distinct values in a window', VALUES, { matches: 400_000, distinct: 1800, groups: 1, stepMs: 300 }],
  ['value_count, 1,800 distinct values, condition always held', HELD, { matches: 400_000, distinct: 1800, groups: 1, stepMs: 300 }],
  ['value_count, 100,000 distinct values in a window', VALUES, { matches: 400_000, distinct: 100_000, groups: 1, stepMs: 6 }],
  ['event_count, one group', COUNT, { matches: 400_000, distinct: 10, groups: 1, stepMs: 10 }],
  ['event_count, 10,000 groups', COUNT, { matches: 400_000, distinct: 10, groups: 10_000, stepMs: 10 }],
];

/** Runs every load. */
export function runFolds(): FoldRun[] {
  return LOADS.map(([name, correlation, load]) => {
    const folds = createFoldSet(compile(correlation), { maxBytes: 2 ** 40 });
    let seconds = 0;
    for (let from = 0; from < load.matches; from += STEP) {
      const step = stepOf(load, from);
      seconds += timed(() => folds.advance(step))[1];
    }
    const { groups, late } = folds.stats();
    return { name, matchesPerSecond: load.matches / seconds, groups, late, held: folds.heldEvents().get('corr') ?? 0 };
  });
}

/** Weighs groups of one event each, and distinct values of few and of many groups. */
function weighFolds(): FoldMemory[] {
  const still = { stepMs: 0, distinct: 1e9 };
  return [
    weigh('group of one event', COUNT, { ...still, matches: 100_000, groups: 100_000 }),
    weigh('group of five events', COUNT, { ...still, matches: 500_000, groups: 100_000 }),
    weigh('distinct value, 100,000 in one group', VALUES, { ...still, matches: 100_000, groups: 1 }),
    weigh('distinct value, 1,800 in each of 50 groups', VALUES, { ...still, matches: 90_000, groups: 50 }),
  ];
}

function weigh(name: string, correlation: string, load: Load): FoldMemory {
  const folds = createFoldSet(compile(correlation), { maxGroups: 1e7, maxBytes: 2 ** 40 });
  const before = usedBytes();
  for (let from = 0; from < load.matches; from += STEP) folds.advance(stepOf(load, from));
  const used = usedBytes() - before;
  const { groups, bytes } = folds.stats();
  const count = name.startsWith('group') ? groups : load.matches;
  return { name, bytesEach: used / count, count, estimateEach: bytes / count };
}

function usedBytes(): number {
  if (globalThis.gc === undefined) throw new Error('weighing needs --expose-gc');
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function stepOf({ matches, distinct, groups, stepMs }: Load, from: number): MatchStep {
  const timeOf = (i: number): number => 1_767_225_600_000 + i * stepMs;
  const made = Array.from({ length: Math.min(STEP, matches - from) }, (_, offset) => {
    const i = from + offset;
    const timeMs = timeOf(i);
    const at = { position: `EVENTS_LIVE.1.${i >> 9}`, index: offset };
    const sha256 = i.toString(16).padStart(8, '0').repeat(8);
    const evidence = { source: 'domain-controller', eventId: `01KB${i.toString(32).padStart(22, '0')}`, timeMs, sha256, at };
    const group = { k: `10.0.${(i % groups) >> 8}.${(i % groups) & 255}`, v: `C:\\Windows\\cmd.exe /c run ${(i * 7919) % distinct} token` };
    const entities = [{ kind: 'host', value: `host-${i % groups}` }];
    return { ruleId: 'base', tenant: 'acme', timeMs, receivedMs: timeMs, evidence, group, entities, explanation: [] };
  });
  const watermarks = { 'acme/domain-controller': timeOf(from) - 30_000 };
  const step = { partition: 0, epoch: '', read: {}, watermarks, ruleSet: '', judged: made.length, duplicates: 0, matches: made };
  return JSON.parse(JSON.stringify(step)) as MatchStep;
}

function compile(correlation: string): CompiledRules {
  const base = 'title: Base\nid: base\nname: base\nlogsource: { product: test }\ndetection: { s: { a: 1 }, condition: s }\n';
  const { rules, refused } = parseRules([{ path: 'r.yml', text: `${base}---\ntitle: C\nid: corr\ncorrelation: ${correlation}\n` }]);
  if (refused[0] !== undefined) throw refused[0].error;
  const source: LogSource = {
    mapping: 'test',
    product: 'test',
    services: [],
    categories: [],
    aliases: {},
    prefixes: [],
    jsonObjects: { unless: [] },
    entity: [],
  };
  return compileRules(rules, [source]);
}

if (import.meta.main) process.stdout.write(JSON.stringify(process.argv[2] === 'memory' ? weighFolds() : runFolds()));
