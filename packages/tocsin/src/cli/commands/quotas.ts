/** `tocsin quotas`: how much tenants and sources may send: list and set. */
import { parseBytes, TocsinError } from '@tocsin/core';
import { type Command, type GivenOptions, numberOption, textOption } from '../command.ts';
import { sayBytes, sayCount, sayMany } from '../figures.ts';
import type { Column } from '../terminal.ts';
import { visible } from '../visible-text.ts';

/** A quota as the API lists it. */
interface ListedQuota {
  readonly tenant: string;
  readonly source?: string;
  readonly eventsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly burstSeconds: number;
  readonly storedBytes: number;
  readonly storedEvents: number;
  readonly storedDays: number;
  readonly isOwn: boolean;
  readonly refused?: readonly { readonly reason: string; readonly requests: number }[];
}

const COLUMNS: readonly Column<ListedQuota>[] = [
  { title: 'TENANT', value: (row) => row.tenant },
  { title: 'SOURCE', value: (row) => row.source ?? '(all together)' },
  { title: 'EVENTS/S', value: (row) => (row.eventsPerSecond > 0 ? sayCount(row.eventsPerSecond) : 'no limit'), right: true },
  { title: 'BYTES/S', value: (row) => (row.bytesPerSecond > 0 ? sayBytes(row.bytesPerSecond) : 'no limit'), right: true },
  { title: 'BURST', value: (row) => `${row.burstSeconds} s`, right: true },
  { title: 'KEPT', value: sayKept, right: true },
  { title: 'REFUSED', value: (row) => sayCount((row.refused ?? []).reduce((sum, { requests }) => sum + requests, 0)), right: true },
  { title: 'SET', value: (row) => (row.isOwn ? 'here' : 'by the settings') },
];

/** `tocsin quotas`: the list. */
export const quotas: Command = {
  name: 'quotas',
  summary: 'list how much tenants and sources may send',
  examples: [
    'tocsin quotas',
    'tocsin quotas set --source web01 --events 2000',
    'tocsin quotas set --tenant acme --bytes 5MiB --kept 20GiB',
  ],
  async run({ terminal, api }) {
    const found = await (await api()).call<{ quotas: ListedQuota[] }>('GET', '/quotas');
    if (terminal.json) terminal.object(found);
    else terminal.table(COLUMNS, found.quotas);
    return 0;
  },
};

/** `tocsin quotas set`. */
export const quotasSet: Command = {
  name: 'quotas set',
  summary: 'set how much a source, or a tenant as a whole, may send; in force at once, replaces what was set before',
  options: [
    { flags: '--source <name>', about: 'of one source; without it, of a tenant as a whole' },
    { flags: '--tenant <name>', about: 'of another tenant than your own (operators)' },
    { flags: '--reset', about: 'go back to what the settings say; without it at least one limit must be given' },
    { flags: '--events <count>', about: 'events per second; 0: no limit' },
    { flags: '--bytes <size>', about: 'bytes of records per second, such as 2MiB; 0B: no limit' },
    { flags: '--burst <seconds>', about: 'how many seconds of its rate may come at once' },
    { flags: '--kept <size>', about: 'of a tenant: bytes of events kept, such as 20GiB; 0B: no limit' },
    { flags: '--kept-events <count>', about: 'of a tenant: events kept; 0: no limit' },
    { flags: '--kept-days <days>', about: 'of a tenant: days events are kept; 0: as long as all others' },
  ],
  examples: ['tocsin quotas set --source web01 --events 2000 --bytes 2MiB', 'tocsin quotas set --tenant acme --kept 20GiB'],
  async run({ terminal, api }, _, options) {
    const body = {
      source: textOption(options, 'source'),
      tenant: textOption(options, 'tenant'),
      eventsPerSecond: numberOption(options, 'events', { min: 0, max: 1e9 }),
      bytesPerSecond: sizeOption(options, 'bytes'),
      burstSeconds: numberOption(options, 'burst', { min: 1, max: 3600 }),
      storedBytes: sizeOption(options, 'kept'),
      storedEvents: numberOption(options, 'kept-events', { min: 0, max: 1e15 }),
      storedDays: numberOption(options, 'kept-days', { min: 0, max: 36_500 }),
    };
    const { source: _source, tenant: _tenant, ...limits } = body;
    // Nothing given would take away what was set, which nobody means who forgets the limit.
    if (Object.values(limits).every((limit) => limit === undefined) && options['reset'] !== true)
      throw new TocsinError('cli.bad_option', {
        option: 'quotas set',
        given: 'no limit',
        wants: 'a limit such as --events 2000, or --reset',
      });
    const { quota } = await (await api()).call<{ quota: ListedQuota }>('POST', '/quotas', { body });
    if (terminal.json) terminal.object(quota);
    else {
      terminal.line(`In force from the next request on for ${visible(quota.source ?? `tenant ${quota.tenant}`)}:`);
      terminal.table(COLUMNS, [quota]);
    }
    return 0;
  },
};

function sayKept({ source, storedBytes, storedEvents, storedDays }: ListedQuota): string {
  if (source !== undefined) return '';
  const bounds = [
    storedBytes > 0 ? sayBytes(storedBytes) : undefined,
    storedEvents > 0 ? sayMany(storedEvents, 'event') : undefined,
    storedDays > 0 ? sayMany(storedDays, 'day') : undefined,
  ].filter((bound) => bound !== undefined);
  return bounds.length > 0 ? bounds.join(', ') : 'no limit';
}

/** A size; undefined where it is not given. @throws cli.bad_option */
function sizeOption(options: GivenOptions, name: string): number | undefined {
  const given = textOption(options, name);
  if (given === undefined) return undefined;
  const size = parseBytes(given);
  if (size === undefined) throw new TocsinError('cli.bad_option', { option: `--${name}`, given, wants: 'a size such as 2MiB' });
  return Math.round(size);
}
