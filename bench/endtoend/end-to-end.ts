/** `npm run bench -- endtoend`: reads the options, makes the run, writes the report. Exit code 1 where a promise was not kept. */
import { writeFileSync } from 'node:fs';
import type { BenchContext } from '../figure.ts';
import type { Conditions } from '../machine.ts';
import { endToEndPage, reportOf } from './report.ts';
import { runEndToEnd } from './run.ts';

/** Options as they stand on the command line. */
export type EndToEndOptions = {
  readonly minutes: string;
  readonly rate?: string | undefined;
  readonly sources: string;
  readonly seed: string;
  readonly report?: string | undefined;
  readonly json: boolean;
};

/** Makes the run. */
export async function endToEnd(context: BenchContext, conditions: Conditions, options: EndToEndOptions): Promise<void> {
  const rate = options.rate === undefined ? undefined : positive('rate', options.rate);
  const given = {
    minutes: positive('minutes', options.minutes),
    rate,
    sources: positive('sources', options.sources),
    seed: positive('seed', options.seed),
  };
  const command = `npm run bench -- ${process.argv.slice(2).join(' ')}`;
  const report = reportOf(await runEndToEnd(context, given), { command, conditions });
  context.progress('');
  const [page, json] = [endToEndPage(report), `${JSON.stringify(withoutSamples(report), undefined, 1)}\n`];
  process.stdout.write(options.json ? json : page);
  if (options.report !== undefined) {
    writeFileSync(`${options.report}.md`, page);
    writeFileSync(`${options.report}.json`, json);
  }
  process.exitCode = report.broken.length === 0 ? 0 : 1;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} is ${text} and must be a number above 0`);
  return value;
}

/** Each answer's time would be most of the file, and where the lane lay is nobody's affair. */
function withoutSamples(report: ReturnType<typeof reportOf>): unknown {
  const seconds = report.hold.seconds.map(({ offered, sent, accepted, refused, waitingMs, cpu }) => ({
    offered,
    sent,
    accepted,
    refused,
    waitingMs,
    cpu,
  }));
  const { name, bytesPerEvent, leftOut } = report.lane;
  return { ...report, lane: { name, bytesPerEvent, leftOut }, hold: { ...report.hold, seconds } };
}
