/** `tocsin catch-up`: has judged again what rules have missed, and shows how far that has come. */
import { TocsinError } from '@tocsin/core';
import type { MissedStretch } from '../../catchup/find-missed.ts';
import type { ApiClient } from '../api-client.ts';
import { type Command, type CommandContext, listOption } from '../command.ts';
import { sayCount, sayMany, sayTime } from '../figures.ts';
import { interruptibleWait } from '../interruptible-wait.ts';
import type { Column, Terminal } from '../terminal.ts';
import { timeOption } from '../time-option.ts';
import { visible } from '../visible-text.ts';

/** A catch-up as the API tells of it. */
interface ShownCatchUp {
  readonly id: string;
  readonly actor: string;
  readonly rules: readonly string[];
  readonly targets: readonly string[];
  readonly state: 'waiting' | 'running' | 'folded' | 'done' | 'failed';
  readonly events: number;
  readonly judged: number;
  readonly gone: number;
  readonly share: number;
  readonly alerts: { readonly raised: number; readonly changed: number; readonly confirmed: number; readonly superseded: number };
  readonly reason?: string;
  readonly createdMs: number;
}

interface Begun {
  readonly missed: readonly MissedStretch[];
  readonly events: number;
  readonly catchUp?: ShownCatchUp;
}

const MISSED: readonly Column<MissedStretch>[] = [
  { title: 'RULE', value: (row) => row.rule },
  { title: 'SOURCE', value: (row) => row.source },
  { title: 'FROM', value: (row) => sayTime(row.fromMs) },
  { title: 'TO', value: (row) => sayTime(row.toMs) },
  { title: 'EVENTS', value: (row) => sayCount(row.events), right: true },
  { title: 'WHY', value: (row) => row.why },
];

const JOBS: readonly Column<ShownCatchUp>[] = [
  { title: 'ID', value: (row) => row.id },
  { title: 'ASKED FOR', value: (row) => sayTime(row.createdMs) },
  { title: 'BY', value: (row) => row.actor },
  { title: 'RULES', value: (row) => row.rules.join(', ') },
  { title: 'STATE', value: (row) => (row.state === 'running' ? `${Math.floor(row.share * 100)} %` : row.state) },
  { title: 'JUDGED', value: (row) => sayCount(row.judged), right: true },
  { title: 'ALERTS', value: sayAlerts },
];

/** How often it is asked how far a catch-up has come, milliseconds. */
const LOOK_EVERY_MS = 300;

/** `tocsin catch-up`. */
export const catchUp: Command = {
  name: 'catch-up',
  summary: 'judge again what rules have missed, and raise the alerts that there would have been',
  options: [
    { flags: '--rule <ids...>', about: 'ids of rules; correlations above them are caught up with them' },
    { flags: '--from <time>', about: 'only events from this time on, such as 2026-01-31T12:00:00Z or 2h' },
    { flags: '--to <time>', about: 'only events before this time' },
    { flags: '--other-versions', about: 'also what other versions of the rules have judged: after a rule was mended' },
    { flags: '--dry-run', about: 'only say what was missed' },
    { flags: '--no-wait', about: 'do not wait until it is done' },
  ],
  examples: ['tocsin catch-up --rule 0d3b6a2c-1f1e-4b7e-9a52-7a9c5d1f3e44 --dry-run'],
  async run(context, _, options) {
    const { terminal, api, interrupted } = context;
    const rules = listOption(options, 'rule');
    if (rules.length === 0) throw new TocsinError('cli.bad_option', { option: '--rule', given: '', wants: 'the id of at least one rule' });
    const nowMs = Date.now();
    const body = {
      rules,
      fromMs: msOf(timeOption(options, 'from', nowMs)),
      toMs: msOf(timeOption(options, 'to', nowMs)),
      otherVersions: options['otherVersions'] === true,
      dryRun: options['dryRun'] === true,
    };
    const client = await api();
    const begun = await client.call<Begun>('POST', '/catch-up', { body, signal: interrupted });
    const hasToWait = begun.catchUp !== undefined && options['wait'] !== false;
    if (!terminal.json) printMissed(terminal, begun);
    else if (!hasToWait) terminal.object(begun);
    return begun.catchUp === undefined || !hasToWait ? 0 : await follow(context, client, begun.catchUp.id);
  },
};

/** `tocsin catch-up list`. */
export const catchUpList: Command = {
  name: 'catch-up list',
  summary: 'list catch-ups, with how far they have come',
  examples: ['tocsin catch-up list'],
  async run({ terminal, api, interrupted }) {
    const found = await (await api()).call<{ catchUps: ShownCatchUp[] }>('GET', '/catch-up', { signal: interrupted });
    if (terminal.json) terminal.object(found);
    else if (found.catchUps.length === 0) terminal.line('Nothing has been caught up in the last days.');
    else terminal.table(JOBS, found.catchUps);
    return 0;
  },
};

/** A time in ISO 8601 as milliseconds since 1970. */
function msOf(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time);
}

function printMissed(terminal: Terminal, { missed, events, catchUp: begun }: Begun): void {
  if (missed.length === 0) terminal.line('Nothing was missed: every event that the rules ask for has been evaluated.');
  else {
    terminal.table(MISSED, missed);
    terminal.note(`${sayMany(events, 'event')} ${begun === undefined ? 'would be' : 'are being'} judged again.`);
  }
}

/** Waits until a catch-up is done. Whoever interrupts stops waiting, and nothing else. @throws catchup.failed */
async function follow({ terminal, interrupted }: CommandContext, client: ApiClient, id: string): Promise<number> {
  const bar = terminal.progress('Judging again');
  try {
    for (;;) {
      const { catchUps } = await client.call<{ catchUps: ShownCatchUp[] }>('GET', '/catch-up', { signal: interrupted });
      const job = catchUps.find((one) => one.id === id);
      if (job?.state === 'failed') throw new TocsinError('catchup.failed', { id, reason: job.reason ?? 'for no reason that is known' });
      if (job?.state === 'done') return finish(terminal, job);
      bar.show(job?.share, job === undefined ? '' : `${sayCount(job.judged)} of about ${sayMany(job.events, 'event')}`);
      await interruptibleWait(LOOK_EVERY_MS, interrupted);
    }
  } finally {
    bar.end();
  }
}

function finish(terminal: Terminal, job: ShownCatchUp): number {
  if (terminal.json) {
    terminal.object(job);
    return 0;
  }
  terminal.line(`${sayMany(job.judged, 'event')} judged again: ${sayAlerts(job)}.`);
  if (job.gone > 0) terminal.note(`${sayMany(job.gone, 'event')} could not be judged: the log does not keep them any more.`);
  if (job.alerts.raised + job.alerts.changed > 0) terminal.hint(`\nSee them: tocsin alerts --rule ${visible(job.rules[0] ?? '')}`);
  return 0;
}

function sayAlerts({ alerts: { raised, changed, confirmed, superseded } }: ShownCatchUp): string {
  const counts: readonly (readonly [number, string])[] = [
    [raised, 'raised'],
    [changed, 'changed'],
    [confirmed, 'confirmed'],
    [superseded, 'superseded'],
  ];
  const told = counts.filter(([count]) => count > 0).map(([count, word]) => `${sayMany(count, 'alert')} ${word}`);
  return told.length === 0 ? 'no alert' : told.join(', ');
}
