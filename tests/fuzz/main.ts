/** `npm run fuzz [-- --seed S --inputs N --report FILE]`: fuzzes everything that reads bytes of strangers; exits with 1 where something gave way. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runFuzz } from './fuzz-run.ts';
import { fuzzReportPage } from './report-page.ts';

const { values } = parseArgs({ options: { seed: { type: 'string' }, inputs: { type: 'string' }, report: { type: 'string' } } });
// Without a seed every day is another run.
const seed = values.seed === undefined ? Math.floor(Date.now() / 86_400_000) : Number(values.seed);
const inputs = Number(values.inputs ?? 100_000);
const startMs = performance.now();
const report = runFuzz({ seed, inputs, onProgress: (done) => process.stderr.isTTY && process.stderr.write(`\r${done} of ${inputs}`) });
const cpu = process.cpuUsage();
const said = {
  ...report,
  seconds: Math.round((performance.now() - startMs) / 1000),
  cpuSeconds: Math.round((cpu.user + cpu.system) / 1e6),
  node: process.version,
};
process.stdout.write(`${JSON.stringify(said, null, 1)}\n`);
if (values.report !== undefined) writeFileSync(values.report, fuzzReportPage(said));
process.exitCode = report.failures.length === 0 ? 0 : 1;
