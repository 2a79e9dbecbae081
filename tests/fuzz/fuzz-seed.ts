/** Which seed a test run fuzzes with: another for each commit, the same for one commit whoever tests it, and any by name. */
import { execFileSync } from 'node:child_process';

/** Seed where nothing else says one. */
const USUAL = 20_778;

/**
 * `given` (the variable TOCSIN_FUZZ_SEED) where it is a number, else the beginning of the commit's id, else a fixed one: outside a clone. A
 * finding fails every test run of its commit alike, and is redone by the command that the failure prints.
 */
export function fuzzSeed(given: string | undefined, commit: () => string = headOf): number {
  if (given !== undefined && /^\d{1,10}$/.test(given)) return Number(given);
  const id = commit();
  return /^[0-9a-f]{7}/.test(id) ? Number.parseInt(id.slice(0, 7), 16) : USUAL;
}

/** How a run is done again. */
export function fuzzCommand(seed: number, inputs: number): string {
  return `npm run fuzz -- --seed ${seed} --inputs ${inputs}`;
}

function headOf(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: import.meta.dirname, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return ''; // no clone, or no git
  }
}
