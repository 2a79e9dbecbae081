/** `tocsin import FILE…`: takes in history, once: what was imported before is not sent again, and what broke off goes on. */
import { listInputs } from '../../hunt/list-inputs.ts';
import type { Command, CommandContext, GivenOptions } from '../command.ts';
import { sayMany } from '../figures.ts';
import { ImportBook } from '../playback/import-book.ts';
import { publishFiles } from '../playback/publish-files.ts';
import { noteRejects } from '../playback/rejects.ts';
import { sendOptions, wantedSource } from '../playback/send-options.ts';
import { printSummary, summaryObject } from '../playback/summary.ts';
import { ensureSource } from '../source-token.ts';
import { visible } from '../visible-text.ts';

const DEFAULTS = { source: 'import', lane: 'bulk' } as const;
/** Exit code of sysexits.h: some records were bad. */
const EXIT_BAD_DATA = 65;

export const importFiles: Command = {
  name: 'import',
  argument: '<file...>',
  summary:
    'take in log files and folders once, as history (NDJSON, JSON, text, CSV, Zeek, EVTX, journal; also gzip, zstd; - for standard input)',
  options: [
    ...sendOptions(DEFAULTS, 'bulk: history; live: detected at once (default: bulk)'),
    { flags: '--again', about: 'send everything, also what was imported before' },
  ],
  examples: [
    'tocsin import /var/log/*.gz',
    'tocsin import --source dc01 Security.evtx',
    'journalctl -o export | tocsin import --source journal -',
  ],
  run: runImport,
};

async function runImport(context: CommandContext, paths: readonly string[], options: GivenOptions): Promise<number> {
  const { terminal, dataDir, environment, interrupted: signal } = context;
  const wanted = wantedSource(options, DEFAULTS);
  const { name } = wanted;
  const { inputs, unreadable } = listInputs(paths);
  const api = await context.api();
  const source = await ensureSource(api, dataDir, wanted);
  if (source.created && terminal.interactive) terminal.note(`Source ${visible(name)} was made.`);
  const book = options['again'] === true ? undefined : await ImportBook.open(dataDir, name);
  const files = inputs.map(({ path }) => path);
  const published = await publishFiles({
    api,
    token: source.token,
    format: source.format,
    paths: files,
    stdin: environment.stdin,
    book,
    terminal,
    signal,
  });
  const tallies = published.rejects.tallies();
  const rejected = tallies.reduce((sum, { count }) => sum + count, 0);
  const summary = { ...published, latency: undefined, found: [], waited: false };
  if (terminal.json) terminal.object({ ...summaryObject(summary), files: files.length, unreadable, rejected: tallies });
  else {
    printSummary(terminal, summary);
    noteRejects(terminal, tallies);
  }
  for (const { path, reason } of unreadable) terminal.note(`${visible(path)} was left out: ${visible(reason)}`);
  for (const error of published.unreadable) terminal.note(`${terminal.typed(visible(error.message))} [${error.code}]`);
  if (rejected > 0) terminal.note(`${sayMany(rejected, 'record')} of ${published.events} were not stored.`);
  return rejected > 0 || unreadable.length > 0 || published.unreadable.length > 0 ? EXIT_BAD_DATA : 0;
}
