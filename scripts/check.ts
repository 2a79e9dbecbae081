/**
 * `npm run check`: everything that can be judged without a server. Prints one line a step, what is wrong below it, and fails if anything is.
 * With `--no-unit` it leaves the unit tests out.
 */

import { buildStep, type CheckStep, checkSteps, unitStep } from './check-steps.ts';
import { countWaivers } from './check-style.ts';

const AT_ONCE = 2;

/** Runs the check; resolves with the names of the steps that passed and failed. `unit`: with the unit tests. */
export async function check({ unit }: { unit: boolean }): Promise<{ passed: string[]; failed: string[] }> {
  const result = { passed: [] as string[], failed: [] as string[] };
  const run = async (step: CheckStep): Promise<void> => {
    const startMs = performance.now();
    const wrong = await step.run();
    const took = `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
    process.stdout.write(`${wrong.length === 0 ? 'ok  ' : 'FAIL'}  ${step.name.padEnd(28)} ${took}\n`);
    for (const text of wrong) process.stdout.write(`${text.replace(/^/gm, '      ')}\n`);
    (wrong.length === 0 ? result.passed : result.failed).push(step.name);
  };
  await run(buildStep);
  const queue = [...checkSteps];
  const worker = async (): Promise<void> => {
    for (let step = queue.shift(); step !== undefined; step = queue.shift()) await run(step);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  if (unit) await run(unitStep);
  process.stdout.write(`waivers of lint rules: ${countWaivers()}\n`);
  return result;
}

if (import.meta.main) {
  const { failed } = await check({ unit: !process.argv.includes('--no-unit') });
  process.stdout.write(failed.length === 0 ? 'check passed\n' : `check failed: ${failed.join(', ')}\n`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}
