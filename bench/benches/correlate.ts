/** `correlate`: the correlations of the race over their lane, checked against a recount; the folds alone; and what they remember. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../clone.ts';
import type { FoldMemory, FoldRun } from '../correlate-fold.ts';
import type { CorrelatedLane } from '../correlate-lane.ts';
import { type Bench, type Figure, requireEqual } from '../figure.ts';
import { recountRace } from '../recount-race.ts';
import { lanes, makeLanes, race } from './detect.ts';

const LANE = 'win-proc-timed';
/** Events per processor second aimed at: eight times what the peer does. */
const LANE_GOAL = 56_000;
const FOLD_GOAL = 500_000;
const GROUP_BYTES = 200;
const VALUE_BYTES = 24;

/** Correlations over matches. */
export const correlate: Bench = {
  about: 'correlations: the race, the folds alone, bytes per group and per value',
  // oxlint-disable-next-line require-await -- R17: benches are awaited; this one runs its processes one after the other.
  async run({ progress }) {
    makeLanes();
    const [file, rules] = [join(lanes, `${LANE}.ndjson`), join(race, 'correlations')];
    progress('correlate: race');
    const lane = runScript<CorrelatedLane>('correlate-lane.ts', [file, rules]);
    progress('correlate: recount');
    for (const [id, held] of recountRace(file, rules)) requireEqual(`correlation ${id}, events at which it held`, held, lane.held[id] ?? 0);
    progress('correlate: folds');
    const folds = runScript<FoldRun[]>('correlate-fold.ts', []);
    const memory = runScript<FoldMemory[]>('correlate-fold.ts', ['memory']);
    return [raceFigure(lane), ...folds.map(foldFigure), ...memory.map(memoryFigure)];
  },
};

function runScript<T>(name: string, options: readonly string[]): T {
  const script = join(root, 'bench', name);
  return JSON.parse(
    execFileSync(process.execPath, ['--conditions=tocsin-source', '--expose-gc', script, ...options], { encoding: 'utf8' }),
  ) as T;
}

function raceFigure(lane: CorrelatedLane): Figure {
  return {
    figure: `correlations, ${lane.correlations} over ${LANE}`,
    value: lane.events / lane.cpuSeconds,
    unit: 'events/CPU-s',
    goal: { atLeast: LANE_GOAL },
    conditions: {
      events: lane.events,
      matches: lane.matches,
      held_events: Object.values(lane.held).reduce((sum, one) => sum + one, 0),
      alerts: lane.alerts,
      groups: lane.groups,
      first_pass_events_per_cpu_s: Math.round(lane.events / lane.firstSeconds),
      folds_wall_us_per_event: Number(((lane.foldSeconds / lane.events) * 1e6).toFixed(1)),
      peak_rss_MB: Math.round(lane.peakRssBytes / 1e6),
    },
  };
}

function foldFigure({ name, matchesPerSecond, groups, held, late }: FoldRun): Figure {
  return {
    figure: `fold alone, ${name}`,
    value: matchesPerSecond,
    unit: 'matches/CPU-s',
    goal: { atLeast: FOLD_GOAL },
    conditions: { groups, held_events: held, late },
  };
}

function memoryFigure({ name, bytesEach, count, estimateEach }: FoldMemory): Figure {
  return {
    figure: `memory, ${name}`,
    value: bytesEach,
    unit: 'bytes',
    goal: { atMost: name.startsWith('distinct') ? VALUE_BYTES : GROUP_BYTES },
    conditions: { of: count, estimated_by_the_folds: Math.round(estimateEach) },
  };
}
