/** `tocsin publish FILE…`: sends log files through the events door and shows what was found in them. */
import { errorTable } from '@tocsin/core';
import { foundAlerts, foundRows } from '../alerts/alert-facts.ts';
import { printAlertLine } from '../alerts/alert-tables.ts';
import { type Command, type CommandContext, type GivenOptions, numberOption } from '../command.ts';
import { sayMany } from '../figures.ts';
import { watchAlerts } from '../playback/alert-watch.ts';
import { latencyOf } from '../playback/latency.ts';
import { type Published, publishFiles } from '../playback/publish-files.ts';
import { noteRejects } from '../playback/rejects.ts';
import { sendOptions, wantedSource } from '../playback/send-options.ts';
import { settle } from '../playback/settle.ts';
import { printSummary, summaryObject } from '../playback/summary.ts';
import { ensureSource } from '../source-token.ts';
import { visible } from '../visible-text.ts';

const DEFAULTS = { source: 'cli' } as const;
/** Exit codes of sysexits.h: some records were bad; detection has not caught up yet. */
const EXIT_BAD_DATA = 65;
const EXIT_TRY_LATER = 75;
/** How long to wait for detection to catch up, milliseconds. */
const SETTLE_MS = 300_000;

export const publish: Command = {
  name: 'publish',
  argument: '<file...>',
  summary: 'send log files (NDJSON, JSON, text, CSV, Zeek, EVTX; also gzip, zstd; - for standard input) and show the alerts they give',
  options: [
    ...sendOptions(DEFAULTS, 'live: detected at once; bulk: history (default: live)'),
    { flags: '--rate <events>', about: 'events per second (default: as fast as they are taken)' },
    { flags: '--no-wait', about: 'end when everything is stored, without waiting for detection' },
  ],
  examples: [
    'tocsin publish events.ndjson',
    'tocsin publish --source web01 --format linux-auth /var/log/auth.log',
    'zcat old/*.gz | tocsin publish --source archive --lane bulk -',
  ],
  run: runPublish,
};

async function runPublish(context: CommandContext, paths: readonly string[], options: GivenOptions): Promise<number> {
  const { terminal, dataDir, environment, interrupted } = context;
  const wanted = wantedSource(options, DEFAULTS);
  const { name } = wanted;
  const rate = numberOption(options, 'rate', { min: 1, max: 10_000_000 });
  const api = await context.api();
  const source = await ensureSource(api, dataDir, wanted);
  if (source.created && terminal.interactive) terminal.note(`Source ${visible(name)} was made.`);
  const request = { api, token: source.token, format: source.format, paths, stdin: environment.stdin, rate, terminal, signal: interrupted };
  if (options['wait'] === false) return report(context, { published: await publishFiles(request), settled: true });
  const { alertsAt } = await settle(api, 0, interrupted);
  // Alerts of other sources may appear meanwhile: they are not this command's.
  const isOurs = (alert: { evidence: readonly { source: string }[] }): boolean => alert.evidence.some((each) => each.source === name);
  await using watch = await watchAlerts(api, {
    accept: isOurs,
    onNew: (alert) => terminal.interactive && printAlertLine(terminal, alert),
    nowMs: Date.now,
  });
  const published = await publishFiles(request);
  const { settled } = await settle(api, SETTLE_MS, interrupted);
  // Settled means stored: the last of them may still be on their way here.
  await watch.catchUp(alertsAt, interrupted);
  return report(context, { published, settled, alerts: [...watch.alerts.values()], latenciesMs: watch.latenciesMs });
}

interface Outcome {
  readonly published: Published;
  readonly settled: boolean;
  readonly alerts?: Parameters<typeof foundAlerts>[0];
  readonly latenciesMs?: readonly number[];
}

function report({ terminal }: CommandContext, outcome: Outcome): number {
  const { published, settled, alerts = [], latenciesMs = [] } = outcome;
  const tallies = published.rejects.tallies();
  const summary = { ...published, latency: latencyOf(latenciesMs), found: foundAlerts(alerts), waited: outcome.alerts !== undefined };
  const rejected = tallies.reduce((sum, tally) => sum + tally.count, 0);
  if (terminal.json)
    terminal.object({
      ...summaryObject(summary),
      rejected: tallies,
      unreadable: published.unreadable.map(({ details }) => details),
      settled,
    });
  else {
    printSummary(terminal, { ...summary, found: foundRows(alerts) });
    noteRejects(terminal, tallies);
    if (!settled)
      terminal.note(terminal.typed('Detection has not caught up yet. Everything is stored; alerts will follow: tocsin tail alerts'));
    if (summary.found.length > 0)
      terminal.hint(
        `\nLook closer: ${terminal.style('bold', `tocsin alerts show ${summary.found[0]?.id.slice(0, 8)}`)} · all of them: ${terminal.style('bold', 'tocsin alerts')}`,
      );
  }
  for (const error of published.unreadable) terminal.note(`${terminal.typed(visible(error.message))} [${error.code}]`);
  if (rejected > 0) terminal.note(`${sayMany(rejected, 'record')} of ${published.events} were not stored.`);
  if (published.unreadable.length > 0) return errorTable['cli.unreadable'].exit;
  if (rejected > 0) return EXIT_BAD_DATA;
  return settled ? 0 : EXIT_TRY_LATER;
}
