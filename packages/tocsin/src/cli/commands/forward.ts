/** `tocsin forward`: takes in on this machine and sends to an installation elsewhere; `forward status` shows how it is doing. */
import { resolve } from 'node:path';
import { systemClock, TocsinError } from '@tocsin/core';
import type { ForwardStatus } from '../../forward/forward-status.ts';
import { type Command, type CommandContext, type GivenOptions, textOption } from '../command.ts';
import { sayBytes, sayCount, saySpan } from '../figures.ts';
import { interruptibleWait } from '../interruptible-wait.ts';
import { createLogScreen } from '../log-screen.ts';
import { untilInterrupted } from '../serve.ts';
import type { Column } from '../terminal.ts';
import { visible } from '../visible-text.ts';

const DEFAULT_SOURCE = 'default';
const SETTINGS_FILE = 'forward.yml';
/** After this long without a word the forwarder has stopped. */
const STALE_MS = 5000;
const EXIT_DEGRADED = 69;

/** `tocsin forward`. */
export const forward: Command = {
  name: 'forward',
  argument: '[path...]',
  summary:
    'follow log files, standard input or listeners here and send what they bring to an installation elsewhere, through a spool on disk',
  options: [
    { flags: '--config <file>', about: `settings file (default: ${SETTINGS_FILE} in the data folder)` },
    { flags: '--ca <file>', about: 'PEM file of the authorities that sign the installation’s certificate (default: those of the system)' },
  ],
  examples: [
    'tocsin forward --url https://tocsin.example:7514 --ca ca.crt /var/log/auth.log "/var/log/nginx/*.log"',
    'journalctl -o export -f | tocsin forward --url https://tocsin.example:7514 -',
    'tocsin forward --config /etc/tocsin/forward.yml --data /var/lib/tocsin-forward',
  ],
  outlivesOutput: true,
  run: runForward,
};

async function runForward(context: CommandContext, paths: readonly string[], options: GivenOptions): Promise<number> {
  const { terminal, dataDir, environment, interrupted } = context;
  // Loaded here: other commands must not pay for them.
  const [{ startForwarder }, { createLogger }, reading] = await Promise.all([
    import('../../forward/forwarder.ts'),
    import('../../log.ts'),
    import('../../forward/read-standard-input.ts'),
  ]);
  const settings = await settingsOf(context, paths, options);
  const logger = createLogger(settings.log.level, createLogScreen(terminal));
  const onTrouble = (error: unknown, what: string): void => logger.warn({ err: error }, what);
  await using forwarder = await startForwarder({
    dataDir,
    settings,
    environment: environment.variable,
    clock: systemClock,
    random: Math.random,
    onTrouble,
  });
  if (terminal.json) terminal.object({ ready: forwarder.status() });
  else printReady(context, forwarder.status());
  if (!paths.includes('-')) await untilInterrupted(interrupted);
  else {
    const pause = (ms: number): Promise<void> => interruptibleWait(ms, interrupted);
    const { emit } = forwarder;
    const source = forwarder.sourceNamed(DEFAULT_SOURCE);
    const read = reading.readStandardInput({ stdin: environment.stdin, source, emit, pause, onTrouble }, reading.standardInputRow());
    await Promise.race([read, untilInterrupted(interrupted)]);
    if (paths.length === 1) await forwarder.settled(interrupted);
    else await untilInterrupted(interrupted);
  }
  return 0;
}

/** The file's settings with what was typed on top. */
async function settingsOf({ dataDir, environment }: CommandContext, paths: readonly string[], options: GivenOptions) {
  const [{ readConfigFile, settingsUnder }, { forwardSettings }] = await Promise.all([
    import('../../config/read-config.ts'),
    import('../../forward/forward-settings.ts'),
  ]);
  const config = await readConfigFile(textOption(options, 'config'), dataDir, SETTINGS_FILE);
  const files = paths.filter((path) => path !== '-').map((path) => resolve(environment.cwd, path));
  const token = textOption(options, 'token') ?? environment.token;
  const overrides = {
    url: textOption(options, 'url') ?? environment.url,
    tls: { ca: textOption(options, 'ca') },
    sources: paths.length === 0 || token === undefined ? undefined : { [DEFAULT_SOURCE]: { token } },
    listeners: files.length === 0 ? undefined : { files: { typed: { paths: files, source: DEFAULT_SOURCE } } },
  };
  const settings = settingsUnder(forwardSettings, config, { overrides, environment: environment.variable });
  const isEmpty = Object.values(settings.listeners as Record<string, object>).every((entries) => Object.keys(entries).length === 0);
  if (isEmpty && paths.length === 0) throw new TocsinError('forward.nothing', { file: config.file });
  if (paths.length > 0 && settings.sources[DEFAULT_SOURCE] === undefined) throw new TocsinError('auth.missing', {});
  return settings;
}

function printReady({ terminal }: CommandContext, { url, listeners, sources }: ForwardStatus): void {
  terminal.line(`${terminal.style(['bold', 'green'], 'Forwarding')} to ${visible(url)}`);
  for (const { kind, name, address } of listeners) terminal.line(`  ${visible(kind)}/${visible(name)}  ${visible(address)}`);
  const waiting = sources.reduce((sum, each) => sum + each.waiting, 0);
  if (waiting > 0) terminal.line(`  ${sayCount(waiting)} records wait from before and go first.`);
}

const SOURCES: readonly Column<ForwardStatus['sources'][number]>[] = [
  { title: 'SOURCE', value: (row) => visible(row.name) },
  { title: 'WAITING', value: (row) => sayCount(row.waiting), right: true },
  { title: 'ON DISK', value: (row) => sayBytes(row.waitingBytes), right: true },
  { title: 'STORED', value: (row) => sayCount(row.stored), right: true },
  { title: 'KNOWN', value: (row) => sayCount(row.duplicate), right: true },
  { title: 'NOT STORED', value: (row) => sayReasons({ ...row.rejected, ...(row.lost > 0 && { damaged: row.lost }) }) },
  { title: 'TROUBLE', value: (row) => visible(row.trouble ?? '') },
];

const LISTENERS: readonly Column<ForwardStatus['listeners'][number]>[] = [
  { title: 'LISTENER', value: (row) => `${visible(row.kind)}/${visible(row.name)}` },
  { title: 'ADDRESS', value: (row) => visible(row.address) },
  { title: 'RECORDS', value: (row) => sayCount(row.records), right: true },
  { title: 'ON DISK', value: (row) => sayCount(row.stored), right: true },
  { title: 'NOT TAKEN', value: (row) => sayReasons({ ...row.rejected, ...row.refused }) },
];

/** `tocsin forward status`. */
export const forwardStatus: Command = {
  name: 'forward status',
  summary: 'show what a forwarder on this data folder has sent, what waits and what was lost',
  examples: ['tocsin forward status', 'tocsin forward status --data /var/lib/tocsin-forward --json'],
  async run({ terminal, dataDir }) {
    const { readStatus } = await import('../../forward/forward-status.ts');
    const found = await readStatus(dataDir);
    const agoMs = Date.now() - found.atMs;
    const isRunning = agoMs < STALE_MS;
    if (terminal.json) terminal.object({ ...found, isRunning });
    else {
      const state = isRunning ? terminal.style('green', 'running') : terminal.style('red', `not running, last seen ${saySpan(agoMs)} ago`);
      terminal.line(`Forwarder to ${visible(found.url)}: ${state}`);
      terminal.line();
      terminal.table(SOURCES, found.sources);
      terminal.line();
      terminal.table(LISTENERS, found.listeners);
    }
    return isRunning && found.sources.every(({ trouble }) => trouble === null) ? 0 : EXIT_DEGRADED;
  },
};

function sayReasons(reasons: Readonly<Record<string, number>>): string {
  return Object.entries(reasons)
    .map(([reason, count]) => `${visible(reason)} ${sayCount(count)}`)
    .join('  ');
}
