/**
 * `npm run agents`: builds the agents that the Go module proxy has, once per machine, sends 10,000 lines with each through each door it can
 * speak to, and writes docs/reports/agents.md.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { markdownTable } from '../../markdown-table.ts';
import { buildGoAgent, type GoAgentName, goAgentNames, versionOf } from './go-agents.ts';
import { notToBeHad } from './not-to-be-had.data.ts';

/** What vitest says of one test. */
interface TestResult {
  readonly title: string;
  readonly status: string;
  readonly duration?: number;
}

const root = join(import.meta.dirname, '../../..');
const built = goAgentNames.map((name): [GoAgentName, number] => [name, buildGoAgent(name)]);
const { results, code } = runTests();
writeFileSync(join(root, 'docs', 'reports', 'agents.md'), report(results));
process.stdout.write(
  `${results.filter(({ status }) => status === 'passed').length} passed, ${results.filter(({ status }) => status === 'failed').length} failed\n`,
);
process.exitCode = code;

function runTests(): { results: readonly TestResult[]; code: number } {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-agents-report-'));
  const file = join(folder, 'results.json');
  const args = ['run', '--project', 'servers', 'tests/agents/go', '--reporter=default', '--reporter=json', `--outputFile=${file}`];
  const { status } = spawnSync(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...args], { cwd: root, stdio: 'inherit' });
  const found = JSON.parse(readFileSync(file, 'utf8')) as { testResults: { assertionResults: TestResult[] }[] };
  rmSync(folder, { recursive: true });
  return { results: found.testResults.flatMap(({ assertionResults }) => assertionResults), code: status ?? 1 };
}

function report(results: readonly TestResult[]): string {
  const seconds = (ms = 0): string => (ms / 1000).toFixed(1);
  const version = execFileSync('go', ['version'], { encoding: 'utf8' }).trim();
  const rows = results.map(({ title, status, duration }) => ({ 'agent and door': title, result: status, seconds: seconds(duration) }));
  const builds = built.map(([agent, took]) => ({
    agent,
    version: versionOf(agent),
    build: took === 0 ? 'was there' : `${took.toFixed(0)} s`,
  }));
  return `# Agents built from the Go module proxy

Written by \`npm run agents\`: real agents, unmodified, against the running program. Each sends 10,000 lines of sshd (1,000 where it sends them one by one) through one door; passed means: all of
them stored, none twice, and each found by a rule for sshd, but for Telegraf's Loki and Elasticsearch outputs, which write lines in a form of their own and are counted only. Times are of
the whole test, agent's start and intervals included: they say nothing about speed.

${markdownTable(rows)}

${markdownTable(builds)}

${version}, ${cpus().length} cores. Building takes minutes, so CI skips these tests, and says so, where the agents were not built before.

## Tried and not to be had

${markdownTable(notToBeHad)}
`;
}
