/** `tocsin plans`: events that go to their source's door at a time: plan, list, call off. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { parseDuration, TocsinError } from '@tocsin/core';
import { type Command, type GivenOptions, textOption } from '../command.ts';
import { sayBytes, sayMany, sayTime } from '../figures.ts';
import type { Column } from '../terminal.ts';
import { timeOption } from '../time-option.ts';
import { visible } from '../visible-text.ts';

/** A planned event as the API lists it. */
interface ListedPlan {
  readonly id: string;
  readonly source: string;
  readonly at: string;
  readonly bytes: number;
}

const COLUMNS: readonly Column<ListedPlan>[] = [
  { title: 'ID', value: (row) => visible(row.id) },
  { title: 'SOURCE', value: (row) => visible(row.source) },
  { title: 'AT', value: (row) => sayTime(Date.parse(row.at)) },
  { title: 'SIZE', value: (row) => sayBytes(row.bytes), right: true },
];

/** `tocsin plans`: the list. */
export const plans: Command = {
  name: 'plans',
  summary: 'list events that wait for their time, the next first',
  examples: ['tocsin plans', 'tocsin plans --json'],
  async run({ terminal, api }) {
    const found = await (await api()).call<{ planned: ListedPlan[] }>('GET', '/planned-events');
    if (terminal.json) terminal.object(found);
    else terminal.table(COLUMNS, found.planned);
    return 0;
  },
};

/** `tocsin plans add FILE`. */
export const plansAdd: Command = {
  name: 'plans add',
  argument: '<file>',
  summary: 'keep events, one a line (- for standard input), and take them in at a time as if their source had sent them then',
  options: [
    { flags: '--source <name>', about: 'registered source whose events they are (required)' },
    { flags: '--at <time>', about: 'when: a date, or a date with a time, UTC where no zone is given' },
    { flags: '--in <duration>', about: 'in how long, such as 90s, 15m or 2h' },
    { flags: '--id <id>', about: 'id of the event, for one line; without it one is made' },
  ],
  examples: ['tocsin plans add --source canary --in 2h heartbeat.json', 'tocsin plans add --source canary --at 2026-12-01T08:00:00Z -'],
  async run({ terminal, api, environment }, [path = '-'], options) {
    const source = textOption(options, 'source');
    if (source === undefined) throw badOption('source', '', 'the name of a registered source');
    const at = timeOf(options);
    const content = path === '-' ? await text(environment.stdin) : await readFile(path, 'utf8');
    const lines = content.split('\n').filter((line) => line.trim() !== '');
    const id = textOption(options, 'id');
    if (id !== undefined && lines.length !== 1) throw badOption('id', id, `one line, and there are ${lines.length}`);
    const client = await api();
    const planned: ListedPlan[] = [];
    for (const record of lines) {
      const body = { source, at, record, ...(id === undefined ? {} : { id }) };
      planned.push(await client.call<ListedPlan>('POST', '/planned-events', { body }));
    }
    if (terminal.json) terminal.object({ planned });
    else terminal.line(`${sayMany(planned.length, 'event')} of ${visible(source)} will be taken in at ${sayTime(Date.parse(at))}.`);
    return 0;
  },
};

/** `tocsin plans cancel ID…`. */
export const plansCancel: Command = {
  name: 'plans cancel',
  argument: '<id...>',
  summary: 'call planned events off',
  examples: ['tocsin plans cancel 01JD0Z3N8Q2V4W6X8Y0A2C4E6G'],
  async run({ terminal, api }, ids) {
    const client = await api();
    for (const id of ids) await client.call('POST', `/planned-events/${encodeURIComponent(id)}/cancel`);
    if (terminal.json) terminal.object({ cancelled: ids });
    else terminal.line(`${sayMany(ids.length, 'planned event')} called off.`);
    return 0;
  },
};

/** ISO 8601. @throws cli.bad_option where not exactly one of both is given, or it is no time */
function timeOf(options: GivenOptions): string {
  const span = textOption(options, 'in');
  const at = timeOption(options, 'at', Date.now());
  if ((span === undefined) === (at === undefined)) throw badOption('at', at ?? '', 'a time, or --in and how long, but not both');
  if (at !== undefined) return at;
  const ms = parseDuration(span ?? '');
  if (ms === undefined) throw badOption('in', span ?? '', 'a time such as 15m');
  return new Date(Date.now() + ms).toISOString();
}

function badOption(name: string, given: string, wants: string): TocsinError {
  return new TocsinError('cli.bad_option', { option: `--${name}`, given, wants });
}
