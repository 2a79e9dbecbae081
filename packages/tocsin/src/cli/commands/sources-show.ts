/** `tocsin sources show NAME`: what is known of one source. */
import type { HeardOf, ShownCredential } from '../../sources/source-desk.ts';
import type { Command } from '../command.ts';
import { sayBytes, sayCount, saySpan, sayTime } from '../figures.ts';
import type { ListedSource } from '../source-token.ts';
import type { Column, Terminal } from '../terminal.ts';
import { visible } from '../visible-text.ts';

const CREDENTIALS: readonly Column<ShownCredential>[] = [
  { title: 'CREDENTIAL', value: (row) => visible(row.label) },
  { title: 'ID', value: (row) => row.id },
  { title: 'STATE', value: sayState },
  { title: 'MADE', value: (row) => sayTime(row.createdMs) },
  { title: 'LAST USED', value: (row) => (row.lastUsedMs === undefined ? '-' : sayTime(row.lastUsedMs)) },
];

interface ShownSource extends ListedSource {
  readonly limits: { readonly eventsPerSecond: number; readonly bytesPerSecond: number };
}

/** `tocsin sources show NAME`. */
export const sourcesShow: Command = {
  name: 'sources show',
  argument: '<name>',
  summary: 'show a source: when it was heard last, rates, lag, what was not taken and why, its credentials',
  examples: ['tocsin sources show web01', 'tocsin sources show web01 --json'],
  async run({ terminal, api }, [name = '']) {
    const found = await (await api()).call<{ source: ShownSource; credentials: ShownCredential[] }>(
      'GET',
      `/sources/${encodeURIComponent(name)}`,
    );
    if (terminal.json) terminal.object(found);
    else {
      print(terminal, found.source);
      terminal.line();
      terminal.table(CREDENTIALS, found.credentials);
    }
    return 0;
  },
};

function print(terminal: Terminal, source: ShownSource): void {
  const fact = (name: string, text: string): void => terminal.line(`${terminal.style('dim', name.padEnd(11))} ${text}`);
  const { heard, labels = {}, limits } = source;
  fact('source', `${visible(source.name)}, reads ${visible(source.format)}, lane ${source.lane}`);
  if (source.revokedMs !== undefined) fact('revoked', sayTime(source.revokedMs));
  if (Object.keys(labels).length > 0)
    fact(
      'labels',
      Object.entries(labels)
        .map(([key, value]) => `${visible(key)}: ${visible(value)}`)
        .join(', '),
    );
  fact(
    'limits',
    `${limits.eventsPerSecond > 0 ? `${sayCount(limits.eventsPerSecond)} events/s` : 'no limit of events'}, ${limits.bytesPerSecond > 0 ? `${sayBytes(limits.bytesPerSecond)}/s` : 'none of bytes'}`,
  );
  fact('silence', saySilence(source.silence));
  if (heard === undefined) return;
  fact('last heard', sayLast(terminal, heard));
  fact('rate', `${heard.eventsPerSecond} events/s, ${sayBytes(heard.bytesPerSecond)}/s`);
  fact('records', sayRecords(source, heard));
  if (heard.lag)
    fact('lag', `median ${saySpan(heard.lag.medianMs)}, newest ${saySpan(heard.lag.newestMs)}, most ${saySpan(heard.lag.maxMs)}`);
  const reasons = Object.entries(heard.rejected).map(([code, count]) => `${sayCount(count)} ${visible(code)}`);
  for (const { reason, requests } of source.refused ?? []) reasons.push(`${sayCount(requests)} requests ${visible(reason)}`);
  if (reasons.length > 0) fact('not taken', terminal.style('yellow', reasons.join(', ')));
}

function sayState({ state, expiresMs }: ShownCredential): string {
  if (expiresMs === undefined || state === 'revoked') return state;
  return state === 'grace' ? `accepted until ${sayTime(expiresMs)}` : `expired ${sayTime(expiresMs)}`;
}

function saySilence(silence: ListedSource['silence']): string {
  if (silence === 'off') return 'not told';
  if (silence === undefined) return 'told as the settings say';
  const times = [silence.firstMs, silence.secondMs].map((ms) => (ms === undefined ? 'as the settings say' : saySpan(ms)));
  return `told after ${times.join(', again after ')}`;
}

function sayLast(terminal: Terminal, { lastTakenMs, lastHeardMs, silentMs = 0, isSilent }: HeardOf): string {
  if (lastTakenMs === undefined) return lastHeardMs === undefined ? 'never' : `${sayTime(lastHeardMs)}, but nothing of it was taken`;
  const text = `${sayTime(lastTakenMs)}, ${saySpan(silentMs)} ago`;
  return isSilent ? terminal.style('red', `${text}: silent`) : text;
}

function sayRecords({ events, duplicates }: ListedSource, heard: HeardOf): string {
  const since = [
    `${sayCount(heard.records)} since ingest started (${sayBytes(heard.bytes)})`,
    heard.duplicates > 0 ? `${sayCount(heard.duplicates)} there already` : undefined,
    heard.unmapped > 0 ? `${sayCount(heard.unmapped)} of no known kind` : undefined,
    heard.parseFailures > 0 ? `${sayCount(heard.parseFailures)} unreadable` : undefined,
    heard.dropped > 0 ? `${sayCount(heard.dropped)} dropped by rule` : undefined,
    heard.droppedByProducer > 0 ? `${sayCount(heard.droppedByProducer)} dropped by the producer` : undefined,
    heard.quarantined > 0 ? `${sayCount(heard.quarantined)} in quarantine` : undefined,
    heard.misfits > 0 ? `${sayCount(heard.misfits)} not as their schema says` : undefined,
    heard.secrets > 0 ? `${sayCount(heard.secrets)} with a secret` : undefined,
  ].filter((text) => text !== undefined);
  return `${sayCount(events)} stored, ${sayCount(duplicates)} duplicates; ${since.join(', ')}`;
}
