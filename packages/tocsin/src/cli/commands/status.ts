/** `tocsin status`: how the installation is doing. */
import type { DutyStatus, InstallationStatus, ListenerStatus, MemberStatus, StreamStatus } from '../../api/installation-status.ts';
import type { Lag } from '../../flow/lag.ts';
import type { Command, CommandContext } from '../command.ts';
import { sayBytes, sayCount, sayMany, saySpan, sayTime } from '../figures.ts';
import type { Column, Terminal } from '../terminal.ts';
import { visible } from '../visible-text.ts';

/** Exit code while something does not run. */
const EXIT_DEGRADED = 69;

/** Said of what only a duty knows that is down. */
const NOT_KNOWN = 'not known while its duty is down';

const STREAMS: readonly Column<StreamStatus>[] = [
  { title: 'STREAM', value: (row) => row.stream },
  { title: 'MESSAGES', value: (row) => sayCount(row.messages), right: true },
  { title: 'SIZE', value: (row) => sayBytes(row.bytes), right: true },
];

const MEMBERS: readonly Column<MemberStatus>[] = [
  { title: 'MEMBER', value: (row) => visible(row.member) },
  { title: 'MACHINE', value: (row) => visible(`${row.host} ${row.process}`) },
  { title: 'DUTIES', value: (row) => visible(row.duties.join(', ')) },
  { title: 'PARTITIONS', value: (row) => row.partitions.join(' ') },
  { title: 'FOLD SHARDS', value: (row) => row.foldShards.join(' ') },
  { title: 'BEHIND', value: (row) => (row.behindMs === null ? '' : saySpan(row.behindMs)), right: true },
  { title: 'MEMORY', value: (row) => (row.memoryBytes === null ? '' : sayBytes(row.memoryBytes)), right: true },
  { title: 'STATE', value: sayMemberState },
];

const LAG: readonly Column<Lag>[] = [
  { title: 'READER', value: (row) => row.reader },
  { title: 'READS', value: (row) => row.stream },
  { title: 'BEHIND', value: (row) => sayMany(row.events, row.stream.startsWith('EVENTS_') ? 'event' : 'message'), right: true },
  { title: 'SIZE', value: (row) => sayBytes(row.bytes), right: true },
  { title: 'OLDEST', value: (row) => (row.messages === 0 ? '' : saySpan(row.ageMs)), right: true },
  { title: 'STATE', value: (row) => `${row.level}${row.isCurrent ? '' : ' (as last seen)'}` },
];

const LISTENER_OF: Column<ListenerStatus> = { title: 'MEMBER', value: (row) => visible(row.member ?? '') };
const LISTENERS: readonly Column<ListenerStatus>[] = [
  { title: 'LISTENER', value: (row) => `${visible(row.kind)}/${visible(row.name)}` },
  { title: 'ADDRESS', value: (row) => visible(row.address) },
  { title: 'CONNECTIONS', value: (row) => (row.kind === 'http' ? '-' : sayCount(row.connections)), right: true },
  { title: 'RECORDS', value: (row) => sayCount(row.records), right: true },
  { title: 'STORED', value: (row) => sayCount(row.stored), right: true },
  { title: 'WAITING', value: (row) => (row.waiting === null ? '-' : sayCount(row.waiting)), right: true },
  { title: 'NOT STORED', value: sayNotStored },
];

export const status: Command = {
  name: 'status',
  summary: 'show how the installation is doing',
  examples: ['tocsin status', 'tocsin status --json', 'tocsin status --url https://tocsin.example:7514'],
  async run(context) {
    const api = await context.api();
    const found = await api.call<InstallationStatus>('GET', '/status', { signal: context.interrupted });
    if (context.terminal.json) context.terminal.object(found);
    else printStatus(context, found, api.address.url);
    return found.state === 'ready' ? 0 : EXIT_DEGRADED;
  },
};

function printStatus({ terminal }: CommandContext, found: InstallationStatus, url: string): void {
  const fact = (name: string, text: string): void => terminal.line(`${terminal.style('dim', name.padEnd(9))} ${text}`);
  const { rules, guarantees } = found;
  const state = found.state === 'ready' ? terminal.style('green', 'ready') : terminal.style('red', 'degraded');
  terminal.line(
    `${terminal.style('bold', `Tocsin ${visible(found.version)}`)} at ${visible(url)}: ${state}, up ${saySpan(Date.now() - found.startedMs)} (since ${sayTime(found.startedMs)})`,
  );
  fact('site', visible(found.site));
  fact('bus', `${guarantees.bus} ${visible(found.busServer)}, durable after ${guarantees.durability}`);
  fact('duties', found.duties.map((duty) => sayDuty(terminal, duty)).join('  '));
  fact('events', sayEvents(found));
  fact('sources', sayCount(found.sources));
  if (found.refused.length > 0) fact('refused', found.refused.map(sayRefused).join('  '));
  fact('rules', sayRules(terminal, rules));
  if (found.scope === 'installation') fact('windows', sayWindows(terminal, found.correlations));
  fact('alerts', sayAlerts(terminal, found.alerts));
  for (const { reason } of found.alarms ?? []) fact('alarm', terminal.style('red', visible(reason)));
  terminal.line();
  printTables(terminal, found);
}

function printTables(terminal: Terminal, { members, listeners, streams, lag }: InstallationStatus): void {
  if (members.length > 0) {
    terminal.table(MEMBERS, members);
    terminal.line();
  }
  const used = listeners.filter(({ kind, bytes, refused }) => kind !== 'http' || bytes > 0 || Object.keys(refused).length > 0);
  if (used.length > 0) {
    terminal.table(members.length > 0 ? [LISTENER_OF, ...LISTENERS] : LISTENERS, used);
    for (const { kind, name, held = [] } of used)
      for (const { source, records, reason } of held)
        terminal.line(
          terminal.style(
            'yellow',
            `${sayMany(records, 'record')} of ${visible(source)} in the spool of ${visible(`${kind}/${name}`)}: ${visible(reason)}`,
          ),
        );
    terminal.line();
  }
  if (streams) terminal.table(STREAMS, streams);
  if (!lag || lag.length === 0) return;
  terminal.line();
  terminal.table(LAG, lag);
}

function sayEvents({ events, gaps }: InstallationStatus): string {
  if (events === null) return NOT_KNOWN;
  const duplicates = events.duplicates > 0 ? `, ${sayCount(events.duplicates)} duplicates recognised` : '';
  const refused = gaps !== null && gaps > 0 ? `, ${sayCount(gaps)} refused to their sender` : '';
  return `${sayCount(events.stored)} stored${duplicates}${refused}`;
}

function sayAlerts(terminal: Terminal, alerts: InstallationStatus['alerts']): string {
  if (alerts === null) return NOT_KNOWN;
  const fresh = terminal.style(alerts.new > 0 ? 'yellow' : 'dim', `${sayCount(alerts.new)} new`);
  return `${fresh}, ${sayCount(alerts.acknowledged)} acknowledged, ${sayCount(alerts.resolved)} resolved, ${sayMany(alerts.false_positive, 'false positive')}`;
}

/** How a member is by its own words. */
function sayMemberState({ answers, states }: MemberStatus): string {
  if (!answers) return 'does not answer';
  if (states === null) return 'of another version';
  const troubles = states.flatMap(({ duty, state, restarts, reason, strain }) => {
    const words = [state === 'running' ? undefined : state, restarts > 0 ? sayMany(restarts, 'restart') : undefined, reason, strain];
    const said = words.filter((text) => text !== undefined);
    return said.length === 0 ? [] : [`${duty}: ${said.join(', ')}`];
  });
  return visible(troubles.length === 0 ? 'runs' : troubles.join('; '));
}

/** Requests refused for one reason, since the start. */
function sayRefused({ reason, requests, events }: InstallationStatus['refused'][number]): string {
  return `${sayMany(requests, 'request')}${events > 0 ? ` of ${sayMany(events, 'event')}` : ''} (${visible(reason)})`;
}

/** What became of the rest, by reason; `-` where there is none. */
function sayNotStored({ duplicate, dropped, rejected, refused }: ListenerStatus): string {
  const reasons = [...Object.entries(rejected), ...Object.entries(refused)].map(([code, count]) => `${sayCount(count)} ${visible(code)}`);
  const left = dropped > 0 ? [`${sayCount(dropped)} dropped by rule`, ...reasons] : reasons;
  const parts = duplicate > 0 ? [`${sayMany(duplicate, 'duplicate')}`, ...left] : left;
  return parts.length === 0 ? '-' : parts.join(', ');
}

function sayRules(terminal: Terminal, rules: InstallationStatus['rules']): string {
  if (rules === null) return NOT_KNOWN;
  const { loaded, quarantined, refused } = rules;
  const see = terminal.typed('tocsin rules');
  const aside = quarantined > 0 ? terminal.style('red', `, ${sayCount(quarantined)} in quarantine (${see})`) : '';
  const out = refused > 0 ? terminal.style('yellow', `, ${sayCount(refused)} refused (${see})`) : '';
  return `${sayCount(loaded - quarantined)} in force${aside}${out}`;
}

/** What correlations remember, and what they could not. */
function sayWindows(terminal: Terminal, folds: InstallationStatus['correlations']): string {
  if (folds === null) return NOT_KNOWN;
  const { groups, bytes, late, evicted, clipped, dropped, strain } = folds;
  const parts = [`${sayMany(groups, 'group')} in ${sayBytes(bytes)}`];
  if (late > 0) parts.push(terminal.style('yellow', `${sayMany(late, 'event')} too late to count`));
  if (evicted > 0) parts.push(terminal.style(strain === null ? 'yellow' : 'red', `${sayMany(evicted, 'group')} forgotten at the bound`));
  if (clipped > 0) parts.push(terminal.style('yellow', `${sayMany(clipped, 'event')} forgotten in groups that had too many`));
  if (dropped.length > 0)
    parts.push(terminal.style('yellow', `begun anew by the last change of rules: ${dropped.map(({ rule }) => visible(rule)).join(', ')}`));
  return parts.join(', ');
}

function sayDuty(terminal: Terminal, { duty, state, restarts, reason, strain }: DutyStatus): string {
  const mark = state === 'running' && strain === undefined ? terminal.style('green', '✓') : terminal.style('red', '✗');
  const more = [state === 'running' ? undefined : state, restarts > 0 ? sayMany(restarts, 'restart') : undefined, reason, strain].filter(
    (text) => text !== undefined,
  );
  return `${mark} ${visible(duty)}${more.length > 0 ? ` (${visible(more.join(', '))})` : ''}`;
}
