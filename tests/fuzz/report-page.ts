/** The page of a fuzz run, for docs/reports. */
import type { FuzzReport } from './fuzz-run.ts';

/** A run and what it cost. */
export interface ReportedRun extends FuzzReport {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly node: string;
}

/** The page in Markdown. */
export function fuzzReportPage(run: ReportedRun): string {
  const rejected = Object.entries(run.rejected).map(([code, count]) => `| \`${code}\` | ${count.toLocaleString('en')} |`);
  const failures = run.failures.map(({ what, format, base64 }) => `- ${format}: ${what.split('\n')[0]}: \`${base64.slice(0, 200)}\``);
  return `# Fuzzing of decoders and mappings

\`npm run fuzz -- --seed ${run.seed} --inputs ${run.inputs}\`: ${run.kept.toLocaleString('en')} kept bad inputs, then ${run.inputs.toLocaleString('en')} mutated ones, over ${run.formats} formats,
the record stream in pieces, ${run.mappingsHit} mappings reached, one accepted record in ten decoded again and built to an OCSF object that is held against the schema.
Node ${run.node}, ${run.cpuSeconds.toLocaleString('en')} s of CPU in ${run.seconds.toLocaleString('en')} s.

**${run.failures.length} failures** (a throw, no reason, another reading the second time, a broken OCSF object, more than a second for one input).
${failures.join('\n')}
- accepted: ${run.accepted.toLocaleString('en')}
- slowest input: ${run.slowestMs} ms of CPU
- highest heap seen: ${Math.round(run.peakHeapBytes / 1048576)} MiB

| rejected as | records |
|---|---|
${rejected.join('\n')}
`;
}
