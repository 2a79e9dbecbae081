/** `load`: what it takes to have all public rules at hand: cold, out of the cache, one rule more, with one thread and with two. Counts of matches must agree. */
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ruleArchive } from '../../packages/detect/test/corpora.ts';
import type { AddRun } from '../add-rule.ts';
import { program, root } from '../clone.ts';
import { type Bench, type Figure, quantile, requireEqual } from '../figure.ts';
import { loopCeiling, timesOfTwo } from '../two-at-once.ts';

const lanes = process.env['TOCSIN_LANES'] ?? join(root, '.tocsin/lanes');
const ARCHIVE = 'sigma-rules/sigmahq-rules.tar.gz';
const TAGS = 'product=ls_product,service=ls_service,category=ls_category';
/** What a whole hunt goes over: 120,000 events. */
const WINDOWS = ['win-real', 'win-powershell', 'win-proc', 'win-proc-unique'];
const RUNS = 3;
/** Bytes of the lane that are read to load rules: a few hundred events of all kinds. */
const FEW_BYTES = 1 << 20;

/** One object of `tocsin hunt --summary json`. */
interface Summary {
  readonly events: number;
  readonly matches: number;
  readonly loadSeconds: number;
  readonly loadCpuSeconds: number;
  readonly runSeconds: number;
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
}

/** Loading rules. */
export const load: Bench = {
  about: 'loading all public rules: cold, from the cache, one more, two threads',
  async run({ folder, progress }) {
    const lane = join(lanes, 'win-proc-unique.ndjson');
    if (!existsSync(lane)) throw new Error(`there is no ${lane}: run the bench detect first, which makes the lanes`);
    const rules = writeRules(folder);
    const few = join(folder, 'few.ndjson');
    writeFileSync(few, headOf(lane));
    const hunt = (files: readonly string[], cache: string, jobs = 1): Summary =>
      runHunt(['--rules', rules, '--cache', join(folder, cache), '--jobs', `${jobs}`, ...files]);
    progress('load: cold');
    const cold = Array.from({ length: RUNS }, (_, i) => hunt([few], `cache${i}`));
    progress('load: from the cache');
    const cached = Array.from({ length: RUNS }, () => hunt([few], 'cache0'));
    for (const one of cached) requireEqual('matches with the cache', cold[0]?.matches ?? 0, one.matches);
    progress('load: all Windows lanes');
    const many = WINDOWS.map((name) => join(lanes, `${name}.ndjson`));
    hunt(many, 'cache0');
    const [one, two] = [1, 2].map((jobs) => Array.from({ length: RUNS }, () => hunt(many, 'cache0', jobs)));
    for (const run of two ?? []) requireEqual('matches with two threads', one?.[0]?.matches ?? 0, run.matches);
    progress('load: what two processes that share nothing bring');
    const hunting = huntArguments(['--rules', rules, '--cache', join(folder, 'cache0'), '--jobs', '1', ...many]);
    const ceilings = {
      times_two_processes_of_a_pure_loop: round(await loopCeiling()),
      times_two_hunts_side_by_side: round(await timesOfTwo(hunting, (printed) => (JSON.parse(printed) as Summary).runSeconds)),
    };
    progress('load: one rule more');
    return [...loadFigures(cold, cached), ...laneFigures(one ?? [], two ?? [], ceilings), ...addFigures(runAdd())];
  },
};

/** The rules as files, old enough to be known by their times. */
function writeRules(folder: string): string {
  const rules = join(folder, 'rules');
  const longAgo = new Date(Date.now() - 60_000);
  for (const { path, text } of ruleArchive(ARCHIVE)) {
    const file = join(rules, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    utimesSync(file, longAgo, longAgo);
  }
  return rules;
}

function headOf(file: string): Buffer {
  const bytes = Buffer.alloc(FEW_BYTES);
  const handle = openSync(file, 'r');
  try {
    readSync(handle, bytes);
  } finally {
    closeSync(handle);
  }
  return bytes.subarray(0, bytes.lastIndexOf(10) + 1);
}

function huntArguments(options: readonly string[]): string[] {
  return [program, 'hunt', '--summary', 'json', '--log-source-fields', TAGS, ...options];
}

function runHunt(options: readonly string[]): Summary {
  return JSON.parse(execFileSync(process.execPath, huntArguments(options), { encoding: 'utf8', maxBuffer: 1 << 26 })) as Summary;
}

function runAdd(): AddRun {
  const script = join(root, 'bench/add-rule.ts');
  return JSON.parse(execFileSync(process.execPath, ['--conditions=tocsin-source', script, ARCHIVE], { encoding: 'utf8' })) as AddRun;
}

const middle = (runs: readonly Summary[], of: keyof Summary): number =>
  quantile(
    runs.map((run) => run[of]),
    0.5,
  );
const megabytes = (bytes: number): number => Math.round(bytes / 1e6);
const round = (times: number): number => Number(times.toFixed(2));

function loadFigures(cold: readonly Summary[], cached: readonly Summary[]): Figure[] {
  const figure = (name: string, runs: readonly Summary[], atMost: number): Figure => ({
    figure: `load, ${name}`,
    value: middle(runs, 'loadSeconds'),
    unit: 's',
    goal: { atMost },
    conditions: {
      from: 'the start of the process',
      cpu_s: Number(middle(runs, 'loadCpuSeconds').toFixed(2)),
      events: runs[0]?.events ?? 0,
      cpu_s_to_end: Number(middle(runs, 'cpuSeconds').toFixed(2)),
      peak_rss_MB: megabytes(middle(runs, 'peakRssBytes')),
    },
  });
  return [figure('cold', cold, 1.5), figure('from the cache', cached, 0.25)];
}

function laneFigures(one: readonly Summary[], two: readonly Summary[], ceilings: Readonly<Record<string, number>>): Figure[] {
  const best = (runs: readonly Summary[]): number => Math.min(...runs.map(({ runSeconds }) => runSeconds));
  const conditions = {
    lanes: WINDOWS.join(', '),
    seconds_1: Number(best(one).toFixed(2)),
    seconds_2: Number(best(two).toFixed(2)),
    ...ceilings,
  };
  return [
    {
      figure: 'load, hunt over all Windows lanes, one thread, peak memory',
      value: megabytes(middle(one, 'peakRssBytes')),
      unit: 'MB',
      goal: { atMost: 200 },
      conditions: { lanes: conditions.lanes, cache: 'warm' },
    },
    { figure: 'load, two threads over one', value: best(one) / best(two), unit: 'times', goal: { atLeast: 1.8 }, conditions },
  ];
}

function addFigures({ addMs, firstMs, routes, rssBytes }: AddRun): Figure[] {
  return [
    {
      figure: 'load, one rule more',
      value: quantile(addMs, 0.5),
      unit: 'ms',
      goal: { atMost: 5 },
      conditions: {
        additions: addMs.length,
        p90_ms: Number(quantile(addMs, 0.9).toFixed(2)),
        longest_ms: Number(Math.max(...addMs).toFixed(2)),
        first_batch_of_every_route_p50_ms: Number(quantile(firstMs, 0.5).toFixed(2)),
        first_batch_longest_ms: Number(Math.max(...firstMs).toFixed(2)),
        routes,
        all_routes_rss_MB: megabytes(rssBytes),
        clock: 'processor time of the thread',
      },
    },
  ];
}
