/** `tocsin sources`: configured producers: list, add, revoke. */

import type { LogSourceName } from '@tocsin/core';
import { tokenPath } from '../../state/run-file.ts';
import { type Command, type GivenOptions, textOption } from '../command.ts';
import { sayCount, saySpan, sayTime } from '../figures.ts';
import { addNatsKey } from '../nats-key.ts';
import { addSource, type ListedSource, tokenNameOf, type WantedSource } from '../source-token.ts';
import type { Column } from '../terminal.ts';
import { visible } from '../visible-text.ts';

const COLUMNS: readonly Column<ListedSource>[] = [
  { title: 'SOURCE', value: (row) => row.name },
  { title: 'FORMAT', value: (row) => row.format },
  {
    title: 'LOG SOURCE',
    value: ({ logSource = {} }) =>
      [logSource.product, logSource.service, logSource.category]
        .map((part) => part ?? '')
        .join('/')
        .replace(/^\/\/$/, ''),
  },
  { title: 'LANE', value: (row) => row.lane },
  { title: 'EVENTS', value: (row) => sayCount(row.events), right: true },
  { title: 'DUPLICATES', value: (row) => sayCount(row.duplicates + (row.heard?.duplicates ?? 0)), right: true },
  { title: 'EVENTS/S', value: (row) => String(row.heard?.eventsPerSecond ?? ''), right: true },
  { title: 'LAG', value: (row) => (row.heard?.lag ? saySpan(row.heard.lag.medianMs) : ''), right: true },
  {
    title: 'NOT TAKEN',
    value: (row) => sayCount(Object.values(row.heard?.rejected ?? {}).reduce((sum, count) => sum + count, 0)),
    right: true,
  },
  { title: 'REFUSED', value: (row) => sayCount((row.refused ?? []).reduce((sum, { requests }) => sum + requests, 0)), right: true },
  { title: 'LAST HEARD', value: sayLastHeard },
  { title: 'STATE', value: sayState },
];

function sayLastHeard({ heard, lastReceivedMs }: ListedSource): string {
  const ms = heard?.lastTakenMs ?? lastReceivedMs;
  return ms === undefined ? 'never' : sayTime(ms);
}

function sayState({ revokedMs, heard }: ListedSource): string {
  if (revokedMs !== undefined) return `revoked ${sayTime(revokedMs)}`;
  return heard?.isSilent === true ? `silent for ${saySpan(heard.silentMs ?? 0)}` : 'active';
}

/** `tocsin sources`: the list. */
export const sources: Command = {
  name: 'sources',
  summary: 'list sources and what each has sent',
  examples: ['tocsin sources', 'tocsin sources add web01 --format linux-auth', 'tocsin sources revoke web01'],
  async run({ terminal, api }) {
    const { sources: found } = await (await api()).call<{ sources: ListedSource[] }>('GET', '/sources');
    if (terminal.json) terminal.object({ sources: found });
    else if (found.length === 0) terminal.hint('There is no source yet. Make one with: tocsin sources add NAME');
    else terminal.table(COLUMNS, found);
    return 0;
  },
};

/** `tocsin sources add NAME`. */
export const sourcesAdd: Command = {
  name: 'sources add',
  argument: '<name>',
  summary: 'register a source; its token is shown this once and kept in the data folder for tocsin publish',
  options: [
    {
      flags: '--format <format>',
      about: 'how its records are read: auto to tell by looks, or a name of docs/reference/formats.md (default: auto)',
    },
    { flags: '--lane <lane>', about: 'live: detected at once; bulk: history (default: live)' },
    { flags: '--product <name>', about: 'of what product its events are, as rules name it (default: told by their mapping)' },
    { flags: '--service <name>', about: 'of what service' },
    { flags: '--category <name>', about: 'of what category' },
    {
      flags: '--nats',
      about: 'let it publish over NATS as well, under a key of its own; for a source that is there, make it a further key',
    },
    { flags: '--nats-key <public-key>', about: 'the same for a key whose secret half the producer keeps to itself' },
  ],
  examples: [
    'tocsin sources add web01',
    'tocsin sources add dc01 --format windows-json',
    'tocsin sources add vpn --format key-value --product acme --service vpn',
    'tocsin sources add edge --nats',
  ],
  async run({ terminal, api, dataDir }, [name = ''], options) {
    const client = await api();
    const publicKey = textOption(options, 'natsKey');
    if (options['nats'] === true || publicKey !== undefined)
      return await addNatsKey({ terminal, client, dataDir }, wantedSource(name, options), publicKey);
    const added = await addSource(client, dataDir, wantedSource(name, options));
    if (terminal.json) {
      terminal.object(added);
      return 0;
    }
    if (!terminal.interactive) {
      terminal.line(added.token);
      return 0;
    }
    terminal.line(`Source ${terminal.style('bold', visible(name))} reads ${visible(added.source.format)}, lane ${added.source.lane}.`);
    terminal.line(`Token  ${terminal.style('bold', visible(added.token))}`);
    terminal.line(`It is shown only now; a copy is in ${visible(tokenPath(dataDir, tokenNameOf(name)))}`);
    terminal.line(
      `Send:  curl -H 'Authorization: Bearer ${visible(added.token)}' -H 'Content-Type: application/json' -d '{"message":"hello"}' ${client.address.url}/api/v1/events`,
    );
    return 0;
  },
};

function wantedSource(name: string, options: GivenOptions): WantedSource {
  return { name, format: textOption(options, 'format'), lane: textOption(options, 'lane'), logSource: logSourceOf(options) };
}

function logSourceOf(options: GivenOptions): LogSourceName | undefined {
  const parts = (['product', 'service', 'category'] as const).flatMap((part) => {
    const given = textOption(options, part);
    return given === undefined ? [] : [[part, given] as const];
  });
  return parts.length === 0 ? undefined : Object.fromEntries(parts);
}

/** `tocsin sources revoke NAME`. */
export const sourcesRevoke: Command = {
  name: 'sources revoke',
  argument: '<name>',
  summary: 'revoke a source: its token stops working at once, what it has sent stays',
  examples: ['tocsin sources revoke web01'],
  async run({ terminal, api }, [name = '']) {
    const answer = await (await api()).call<{ name: string; revokedMs: number }>('POST', `/sources/${encodeURIComponent(name)}/revoke`);
    if (terminal.json) terminal.object(answer);
    else terminal.line(`Source ${visible(name)} is revoked since ${sayTime(answer.revokedMs)}.`);
    return 0;
  },
};
