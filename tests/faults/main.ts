/**
 * The full fault run: `npm run faults -- [--seed N] [--events N] [--kills N] [--hours H] [--no-mutants] [--json] [--report FILE]`.
 * By default 100,000 events under 45 × kill -9 and, where the machine allows them, power losses, pauses, slow and failing fsyncs and broken connections, then every
 * mutant in the quick run. More events are sent in rounds of 100,000, each in an installation of its own. Exit code 1 when an acked event is missing, an
 * alert is not there exactly once, or a mutant goes unseen. Needs the build.
 */
import { writeFileSync } from 'node:fs';
import { messageOf } from '@tocsin/core';
import { conditions } from '../conditions.ts';
import { type FaultArguments, readFaultArguments } from './fault-arguments.ts';
import { spreadFaults } from './fault-plan.ts';
import { buildMutant, mutants } from './mutants.ts';
import { startAhead } from './planted-events.ts';
import { quickPlan } from './quick-plan.ts';
import { faultReport, type MutantResult, summaryOf } from './report.ts';
import { explain, type FaultOptions, type FaultResult, runFaults } from './scenario.ts';

const ROUND_EVENTS = 100_000;
const asked = readFaultArguments(process.argv.slice(2));
if ('exitCode' in asked) process.exitCode = asked.exitCode;
else await run(asked);

async function run(asked: FaultArguments): Promise<void> {
  // Ending by exit() takes the programs under test along.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
  const { seed, isJson, report: path } = asked;
  const before = conditions();
  const { rounds, missing } = await runRounds(asked);
  const seen = asked.hasMutants ? await runMutants(seed) : [];
  const isSound = rounds.every((round) => round.isSound) && seen.every(({ seenBy }) => seenBy !== undefined);
  const command = `npm run faults -- ${process.argv.slice(2).join(' ')}`.trim();
  const report = { ...before, command, seed, isSound, summary: summaryOf(rounds, seed), rounds, missing, mutants: seen };
  const text = faultReport(report);
  const withoutIds = (key: string, value: unknown): unknown => (key === 'reference' || key === 'alertIds' ? undefined : value);
  // The summary and nothing else; all of it is in the report. Whether it is sound, the exit code says.
  process.stdout.write(isJson ? `${JSON.stringify(report.summary)}\n` : text);
  if (path !== undefined) {
    writeFileSync(`${path}.md`, text);
    writeFileSync(`${path}.json`, `${JSON.stringify(report, withoutIds, 2)}\n`);
  }
  process.exitCode = isSound ? 0 : 1;
}

/** As many as the events need, or as the hours allow; ends with the first that is not sound. */
async function runRounds({ seed, events, kills, hours }: FaultArguments): Promise<{ rounds: FaultResult[]; missing: readonly string[] }> {
  const count = Math.max(1, Math.round(events / ROUND_EVENTS));
  const endMs = hours === undefined ? undefined : performance.now() + hours * 3_600_000;
  const { faults, missing } = spreadFaults({ kills, rounds: count });
  for (const reason of missing) console.error(`left out: ${reason}`);
  const rounds: FaultResult[] = [];
  const goesOn = (): boolean => (endMs === undefined ? rounds.length < count : rounds.length === 0 || performance.now() < endMs);
  while (goesOn() && rounds.every((round) => round.isSound)) {
    const plan = { seed: seed + rounds.length, sources: 8, events: Math.round(events / count), postEvents: 100, startMs: startAhead() };
    const round = await runToEnd({ ...plan, faults: faults(rounds.length % count) });
    rounds.push(round);
    console.error(
      round.isSound
        ? `round ${rounds.length}: sound, ${round.acked} acked, ${round.faults.length} faults, ${round.seconds} s`
        : explain(round),
    );
  }
  return { rounds, missing };
}

/** A run that does not come to its end says why, and why its installation could not be put away. */
async function runToEnd(options: FaultOptions): Promise<FaultResult> {
  try {
    return await runFaults(options);
  } catch (error) {
    const reasons = error instanceof SuppressedError ? [error.suppressed, error.error] : [error];
    console.error(`seed ${options.seed}: the run did not end: ${reasons.map((reason) => messageOf(reason)).join('\n… and then: ')}`);
    throw error;
  }
}

/** All over one plan, so that one run without faults serves them all. */
async function runMutants(seed: number): Promise<MutantResult[]> {
  const results: MutantResult[] = [];
  const quick = quickPlan(seed);
  const reference = (await runFaults({ ...quick, faults: {} })).reference;
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
