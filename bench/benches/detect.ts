/** `detect`: all public Sigma rules over recorded events, one thread, and beside it the peer in the same run. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../clone.ts';
import type { LaneRun } from '../detect-lane.ts';
import type { Bench, Figure } from '../figure.ts';
import { findPeer, type PeerRun } from '../rsigma.ts';

const corpora = process.env['TOCSIN_CORPORA'] ?? join(root, '../shared/corpora');
/** Folder of the race's own files, and that of its lanes. */
export const race = process.env['TOCSIN_RACE'] ?? join(root, '../shared/bench');
export const lanes = process.env['TOCSIN_LANES'] ?? join(root, '.tocsin/lanes');
const ARCHIVE = 'sigma-rules/sigmahq-rules.tar.gz';

/** Lane → events per processor second aimed at. */
const GOALS: Readonly<Record<string, number>> = {
  'win-real': 240_000,
  'win-powershell': 144_000,
  'win-proc': 112_000,
  'win-proc-unique': 112_000,
  'zeek-real': 1_200_000,
  'cloudtrail-real': 448_000,
  'linux-syslog': 1_100_000,
};

/** Rules over events. */
export const detect: Bench = {
  about: 'rules over events, one core, every lane of the race',
  // oxlint-disable-next-line require-await -- R17: benches are awaited; this one runs its processes one after the other.
  async run({ folder, progress }) {
    makeLanes();
    const peer = findPeer(folder, join(corpora, ARCHIVE), join(race, 'windows-registry.pipeline.yml'));
    return Object.entries(GOALS).flatMap(([lane, goal]) => {
      progress(`detect: ${lane}`);
      const file = join(lanes, `${lane}.ndjson`);
      return [figureOf(lane, goal, { own: runOwn(file), other: peer?.run(file), peer: peer?.version })];
    });
  },
};

/** The lanes are byte for byte the same everywhere: made from the corpora by the race's own script. */
export function makeLanes(): void {
  if (existsSync(join(lanes, 'lanes.json'))) return;
  execFileSync(process.execPath, [join(race, 'lanes.mjs'), corpora, lanes, '30000'], { stdio: 'ignore' });
}

function runOwn(file: string): LaneRun {
  const script = join(root, 'bench/detect-lane.ts');
  const options = ['--conditions=tocsin-source', script, file, ARCHIVE];
  return JSON.parse(
    execFileSync(process.execPath, options, { encoding: 'utf8', env: { ...process.env, TOCSIN_CORPORA: corpora } }),
  ) as LaneRun;
}

interface Runs {
  readonly own: LaneRun;
  readonly other: PeerRun | undefined;
  readonly peer: string | undefined;
}

function figureOf(lane: string, goal: number, { own, other, peer }: Runs): Figure {
  const rate = own.events / own.cpuSeconds;
  const conditions: Record<string, string | number> = {
    events: own.events,
    rules: own.rules,
    matches: own.matches,
    decoded: own.decoded,
    load_cpu_s: Number((own.parseSeconds + own.firstSeconds - own.cpuSeconds).toFixed(2)),
    tables_MB: Math.round(own.tableBytes / 1e6),
    peak_rss_MB: Math.round(own.peakRssBytes / 1e6),
  };
  if (other !== undefined) {
    conditions['peer'] = peer ?? '';
    conditions['peer_events_per_cpu_s'] = Math.round(own.events / other.cpuSeconds);
    conditions['peer_matches'] = other.matches;
    conditions['times_peer'] = Number((other.cpuSeconds / own.cpuSeconds).toFixed(1));
  }
  return { figure: `detect, ${lane}`, value: rate, unit: 'events/CPU-s', goal: { atLeast: goal }, conditions };
}
