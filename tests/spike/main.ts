/**
 * The spike's command: `npm run spike -- [--seed N] [--kills N] [--quick] [--json] [--no-figures] [--report FILE]`.
 * Exit code 1 when anything was lost, doubled or unexpected. `--report docs/reports/spike` writes `.md` and `.json`.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { conditions } from '../conditions.ts';
import { type Figure, measureLoad, measureSyncs, type SyncFigure } from './measure.ts';
import type { Load } from './producers.ts';
import { spikeReport } from './report.ts';
import { type FaultResult, runFaults } from './scenario.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    kills: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    report: { type: 'string' },
    'no-figures': { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const kills = Number(values.kills ?? (values.quick ? 3 : 20));
const loads: readonly Load[] = [
  { sources: 1, tenants: 1, seed },
  { sources: 200, tenants: 20, seed },
];
const before = conditions();

const faults: FaultResult[] = [];
for (const load of loads) {
  faults.push(await runFaults({ ...load, rate: 2000 }, kills));
  console.error(`faults with ${load.sources} sources: done`);
}
const figures: Figure[] = [];
const syncs: SyncFigure[] = [];
if (!values.quick && !values['no-figures']) {
  for (const load of loads.flatMap((each) => [each, { ...each, batchFrom: 16 }])) {
    figures.push(await measureLoad({ ...load, rate: 5000 }, 5), await measureLoad(load, 5));
    syncs.push(await measureSyncs({ ...load, rate: 5000 }, 3));
    console.error(`figures with ${load.sources} sources, batches from ${load.batchFrom ?? 2} frames: done`);
  }
}
const isSound = faults.every((result) => Object.values(result.failures).every((count) => count === 0) && result.alerts > 0);
const result = { ...before, seed, kills, isSound, faults, figures, syncs };

const text = spikeReport(result);
console.log(values.json ? JSON.stringify(result, null, 2) : text);
if (values.report !== undefined) {
  writeFileSync(`${values.report}.md`, text);
  writeFileSync(`${values.report}.json`, `${JSON.stringify(result, null, 2)}\n`);
}
process.exitCode = isSound ? 0 : 1;
