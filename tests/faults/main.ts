/**
 * The full fault run: `npm run faults -- [--seed N] [--events N] [--kills N] [--no-mutants] [--json] [--report FILE]`.
 * By default 100,000 events, 20 kills of nats-server, 20 of Tocsin and 5 of both at once, then every mutant in the quick run. Exit code 1 when an acked event is
 * missing, an alert is not there exactly once, or a mutant goes unseen. Needs the build.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { conditions } from '../conditions.ts';
import { buildMutant, mutants } from './mutants.ts';
import { startAhead } from './planted-events.ts';
import { quickPlan } from './quick-plan.ts';
import { faultReport, type MutantResult } from './report.ts';
import { explain, type FaultOptions, runFaults } from './scenario.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    events: { type: 'string', default: '100000' },
    kills: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
    report: { type: 'string' },
    'no-mutants': { type: 'boolean', default: false },
  },
});
// Ending by exit() takes the programs under test along.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
const seed = Number(values.seed);
const kills = Number(values.kills);
const before = conditions();
const plan = { seed, sources: 8, events: Number(values.events), postEvents: 100, startMs: startAhead() };
const full = await runFaults({ ...plan, busKills: kills, tocsinKills: kills, bothKills: Math.ceil(kills / 4) });
console.error(full.isSound ? `full run: sound, ${full.seconds} s` : explain(full));

const seen = values['no-mutants'] ? [] : await runMutants();
const isSound = full.isSound && seen.every(({ seenBy }) => seenBy !== undefined);
const report = { ...before, isSound, full, mutants: seen };
const text = faultReport(report);
const withoutIds = (key: string, value: unknown): unknown => (key === 'reference' || key === 'alertIds' ? undefined : value);
const json = `${JSON.stringify(report, withoutIds, 2)}\n`;
process.stdout.write(values.json ? json : text);
if (values.report !== undefined) {
  writeFileSync(`${values.report}.md`, text);
  writeFileSync(`${values.report}.json`, json);
}
process.exitCode = isSound ? 0 : 1;

/** All over one plan, so that one run without faults serves them all. */
async function runMutants(): Promise<MutantResult[]> {
  const results: MutantResult[] = [];
  const quick = quickPlan(seed);
  const reference = (await runFaults({ ...quick, busKills: 0, tocsinKills: 0, bothKills: 0 })).reference;
  for (const mutant of mutants) {
    using built = buildMutant(mutant);
    const seenBy = await whatShows({ ...quick, program: built.program, reference });
    results.push({ name: mutant.name, seenBy });
    console.error(`mutant “${mutant.name}”: ${seenBy ?? 'NOT SEEN'}`);
  }
  return results;
}

/** A run that does not come to its end shows a mutant too. */
async function whatShows(options: FaultOptions): Promise<string | undefined> {
  try {
    const { verdict } = await runFaults(options);
    const wrong = Object.entries(verdict.failures).filter(([, count]) => count > 0);
    return wrong.length === 0 ? undefined : wrong.map(([what, count]) => `${what} ${count}`).join(', ');
  } catch (error) {
    return `the run did not end: ${String(error).slice(0, 200)}`;
  }
}
