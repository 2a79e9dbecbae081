/**
 * `npm run bench [NAME…] [-- --json]`: measures the built product on this machine and prints figures with their conditions. Speed is
 * shown beside its goal and never asserted; counts of the measured path must add up, or the run ends with an error.
 * `npm run bench -- endtoend [--minutes N] [--rate EVENTS] [--sources N] [--seed N] [--report FILE]` is the long run, and only made when named.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findServerBinary } from '@tocsin/bus/nats';
import { bus, replay } from './benches/bus.ts';
import { correlate } from './benches/correlate.ts';
import { decode } from './benches/decode.ts';
import { detect } from './benches/detect.ts';
import { doors } from './benches/doors.ts';
import { lanes, overload } from './benches/flow.ts';
import { idle } from './benches/idle.ts';
import { ingest } from './benches/ingest.ts';
import { latency } from './benches/latency.ts';
import { load } from './benches/load.ts';
import { mqtt } from './benches/mqtt.ts';
import { start } from './benches/start.ts';
import { syslog } from './benches/syslog.ts';
import { root } from './clone.ts';
import { endToEnd } from './endtoend/end-to-end.ts';
import type { Bench, BenchContext, Figure } from './figure.ts';
import { type Conditions, conditionsOf } from './machine.ts';
import { tableOf } from './table.ts';

const BENCHES: Readonly<Record<string, Bench>> = {
  bus,
  correlate,
  decode,
  detect,
  load,
  replay,
  ingest,
  doors,
  latency,
  lanes,
  overload,
  idle,
  mqtt,
  start,
  syslog,
};

const OPTIONS = {
  help: { type: 'boolean', short: 'h', default: false },
  json: { type: 'boolean', default: false },
  minutes: { type: 'string', default: '1' },
  rate: { type: 'string' },
  sources: { type: 'string', default: '8' },
  seed: { type: 'string', default: '1' },
  report: { type: 'string' },
} as const;
const LONG = 'endtoend';

const asked = readArguments();
if (asked === undefined) process.exitCode = 64;
else if (asked.values.help) process.stdout.write(usage());
else if (asked.positionals.includes(LONG)) await inFolder((context, conditions) => endToEnd(context, conditions, asked.values));
else await measure(asked.positionals.length > 0 ? asked.positionals : Object.keys(BENCHES), asked.values.json);

/** What was typed; undefined where it is not understood, the reason and the usage having been printed. */
function readArguments(): ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>> | undefined {
  try {
    const typed = parseArgs({ options: OPTIONS, allowPositionals: true });
    const unknown = typed.positionals.filter((name) => name !== LONG && !Object.hasOwn(BENCHES, name));
    if (unknown.length > 0) throw new TypeError(`There is no bench ${unknown.join(', ')}.`);
    return typed;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    process.stderr.write(`${error.message}\n\n${usage()}`);
    return undefined;
  }
}

function usage(): string {
  const rows = Object.entries(BENCHES).map(([name, { about }]) => `  ${name.padEnd(10)} ${about}\n`);
  return `npm run bench -- [NAME…] [--json]          all but ${LONG} where none is named
npm run bench -- ${LONG} [options]

${rows.join('')}  ${LONG}   the whole product at the rate it sustains, every event counted and hashed

  --minutes N     how long ${LONG} holds its rate (1)
  --rate EVENTS   events per second; without it, the rate that it finds to be sustained
  --sources N     producers (8)
  --seed N        what everything random is drawn from (1)
  --report FILE   write FILE.md and FILE.json
  --json          JSON instead of a table
`;
}

async function measure(names: readonly string[], isJson: boolean): Promise<void> {
  await inFolder(async (context, conditions) => {
    const figures: Figure[] = [];
    for (const name of names) figures.push(...((await BENCHES[name]?.run(context)) ?? []));
    progress('');
    process.stdout.write(isJson ? `${JSON.stringify({ conditions, figures }, undefined, 2)}\n` : tableOf(conditions, figures));
  });
}

/** With a folder on the disk that is measured, which is removed afterwards. */
async function inFolder(run: (context: BenchContext, conditions: Conditions) => Promise<void>): Promise<void> {
  const cache = join(root, '.tocsin', 'bench');
  mkdirSync(cache, { recursive: true });
  // Beside the clone's cache, not in the system's folder for temporary files: that one may lie in memory and know no fsync.
  const folder = mkdtempSync(join(cache, 'run-'));
  const natsServer = findServerBinary({
    configured: undefined,
    environment: process.env['TOCSIN_NATS_SERVER'],
    path: process.env['PATH'],
  }).path;
  try {
    await run({ folder, natsServer, progress }, conditionsOf(root, folder, natsServer));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One line that the next replaces; nothing where nobody looks on. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
