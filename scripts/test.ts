/**
 * `npm test`: the check, then every test, unit first and those with real servers after, and a last line `N passed, N failed, N skipped` over all
 * of it (each step of the check counts as one). With arguments it only runs the tests they select: `npm test -- packages/detect`.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check } from './check.ts';
import { root } from './source-files.ts';
import type { SkippedTest, TestCounts } from './test-reporter.ts';

const PROJECTS = ['unit', 'servers'];
const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const folder = mkdtempSync(join(tmpdir(), 'tocsin-test-'));
const selection = process.argv.slice(2);
/** Whether the selection is by names: Vitest counts what a pattern leaves out as skipped. */
const isByName = selection.some((argument) => /^(-t\b|--testNamePattern\b)/.test(argument));

try {
  const checked = selection.length === 0 ? await check({ unit: false }) : { passed: [], failed: [] };
  const runs: TestCounts[] = [];
  for (const project of PROJECTS) runs.push(await runProject(project));
  report(checked, runs);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Runs one project of vitest.config.ts; a run that leaves no counts counts as broken. */
async function runProject(project: string): Promise<TestCounts> {
  const path = join(folder, `${project}.json`);
  const reporters = ['--reporter=default', `--reporter=${join(root, 'scripts', 'test-reporter.ts')}`];
  const code = await runVitest(['run', '--project', project, '--passWithNoTests', ...reporters, ...selection], path);
  if (existsSync(path)) {
    const counts = JSON.parse(readFileSync(path, 'utf8')) as TestCounts;
    const silent = code !== 0 && counts.failed.length === 0 && counts.broken.length === 0;
    return silent ? { ...counts, broken: [`project ${project}: vitest ended with ${code}`] } : counts;
  }
  return { passed: 0, failed: [], skipped: [], broken: code === 0 ? [] : [`project ${project}: vitest ended with ${code}`] };
}

function runVitest(args: readonly string[], counts: string): Promise<number> {
  const corpora = join(root, '..', 'shared', 'corpora');
  const env: NodeJS.ProcessEnv = { ...process.env, TOCSIN_TEST_COUNTS: counts };
  if (env['TOCSIN_CORPORA'] === undefined && existsSync(corpora)) env['TOCSIN_CORPORA'] = corpora;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', 'vitest', 'vitest.mjs'), ...args], {
      cwd: root,
      env,
      stdio: 'inherit',
    });
    const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
    for (const signal of SIGNALS) process.on(signal, pass);
    child.on('error', reject);
    child.on('close', (code) => {
      for (const signal of SIGNALS) process.off(signal, pass);
      resolve(code ?? 1);
    });
  });
}

function report(checked: { passed: string[]; failed: string[] }, runs: readonly TestCounts[]): void {
  const skipped = runs.flatMap((run) => run.skipped);
  const refused = skipped.filter((test) => whyRefused(test) !== undefined);
  const failed = [...checked.failed.map((name) => `check: ${name}`), ...runs.flatMap((run) => [...run.failed, ...run.broken])];
  const passed = checked.passed.length + runs.reduce((sum, run) => sum + run.passed, 0);
  process.stdout.write('\n');
  for (const [reason, tests] of Map.groupBy(skipped, ({ reason }) => reason || 'no reason given')) {
    process.stdout.write(`skipped  ${tests.length} × ${reason}   (${tests[0]?.name})\n`);
  }
  for (const name of failed) process.stdout.write(`failed   ${name}\n`);
  for (const test of refused) process.stdout.write(`failed   ${test.name}: ${whyRefused(test)}\n`);
  const failures = failed.length + refused.length;
  process.stdout.write(`${passed} passed, ${failures} failed, ${skipped.length - refused.length} skipped\n`);
  process.exitCode = failures === 0 ? 0 : 1;
}

/** Nothing may be skipped without a reason, unless a pattern of names left it out; in CI nothing because a server is missing. */
function whyRefused({ reason }: SkippedTest): string | undefined {
  if (reason === '') return isByName ? undefined : 'skipped without a reason: context.skip(reason), or needs(reason)';
  return process.env['CI'] && /server/i.test(reason) ? 'skipped for want of a server, which CI must have' : undefined;
}
