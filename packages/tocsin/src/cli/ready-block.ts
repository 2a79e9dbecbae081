/** What `up` and `start` say once an installation takes events. */
import type { InstallationStatus } from '../api/installation-status.ts';
import type { Installation } from '../installation.ts';
import { OPERATOR, tokenPath } from '../state/run-file.ts';
import type { ApiClient } from './api-client.ts';
import { sayMany } from './figures.ts';
import type { Terminal } from './terminal.ts';
import { visible } from './visible-text.ts';

/** What is ready. */
export interface ReadyFacts {
  readonly api: ApiClient;
  readonly installation: Installation;
  readonly version: string;
  readonly signal: AbortSignal;
}

/** Words for what an acknowledgement survives. */
const DURABILITY: Readonly<Record<InstallationStatus['guarantees']['durability'], string>> = {
  fsync: 'acknowledged after fsync',
  process: 'acknowledged before fsync: a power cut may lose the newest events',
  none: 'in memory only: nothing survives the end of the process',
};

/** Prints one block: where it listens, what it keeps where, how to send an event, what to type next. */
export async function printReady(terminal: Terminal, facts: ReadyFacts): Promise<void> {
  const { installation, version, api, signal } = facts;
  const status = await api.call<InstallationStatus>('GET', '/status', { signal });
  const tokenFile = tokenPath(installation.dataDir, OPERATOR);
  if (terminal.json) {
    const { url, dataDir, firstRun } = installation;
    terminal.object({ ready: { url, dataDir, firstRun, tokenFile, version, rules: status.rules } });
    return;
  }
  const fact = (name: string, text: string): void => terminal.line(`  ${terminal.style('dim', name.padEnd(7))} ${text}`);
  terminal.line(
    `${terminal.style(['bold', 'green'], `Tocsin ${version} is ready`)}${status.state === 'ready' ? '' : terminal.style('yellow', terminal.typed(' (degraded: see tocsin status)'))}`,
  );
  fact('API', `${installation.url}/api/v1`);
  fact('data', visible(installation.dataDir));
  fact('bus', `${status.guarantees.bus} ${visible(status.busServer)}, ${DURABILITY[status.guarantees.durability]}`);
  fact('rules', `${sayRules(terminal, status.rules)}; ${sayMany(status.sources, 'source')}`);
  fact('login', `${installation.firstRun ? 'made now: ' : ''}token in ${visible(tokenFile)}`);
  if (!terminal.interactive) return;
  terminal.line();
  terminal.line('Send an event from another terminal:');
  for (const line of sendLines(installation)) terminal.line(`  ${terminal.style('bold', terminal.typed(line))}`);
  terminal.line(
    `Then: ${['tocsin status', 'tocsin tail alerts', 'tocsin publish FILE'].map((text) => terminal.style('bold', terminal.typed(text))).join(' · ')} · stop with Ctrl-C`,
  );
}

/** What is said of a process that has no API to ask, by name. */
export interface DutyFacts {
  readonly version: string;
  readonly duties: readonly string[];
  readonly facts: Readonly<Partial<Record<keyof typeof FACTS, string>>>;
}

/** Names of facts as they are printed, equally wide. */
const FACTS = { dataDir: 'data   ', url: 'doors  ', member: 'member ', busServer: 'NATS   ' } as const;

/** The same for a process without an API. */
export function printReadyDuties(terminal: Terminal, { version, duties, facts }: DutyFacts): void {
  if (terminal.json) return terminal.object({ ready: { ...facts, duties, version } });
  terminal.line(`${terminal.style(['bold', 'green'], `Tocsin ${version} is ready`)}: ${duties.join(', ')}`);
  for (const name of Object.keys(FACTS) as (keyof typeof FACTS)[])
    if (facts[name] !== undefined) terminal.line(`  ${terminal.style('dim', FACTS[name])} ${visible(facts[name])}`);
}

function sayRules(terminal: Terminal, rules: InstallationStatus['rules']): string {
  if (rules === null) return 'not known yet';
  return `${rules.loaded} loaded${rules.refused > 0 ? terminal.style('yellow', `, ${rules.refused} refused (${terminal.typed('tocsin rules')})`) : ''}`;
}

function sendLines({ url, dataDir }: Installation): string[] {
  const data = shellWord(dataDir);
  return [
    `tocsin sources add web --format json --data ${data}`,
    `curl -H "Authorization: Bearer $(cat ${shellWord(tokenPath(dataDir, 'source/web'))})" -H 'Content-Type: application/json' -d '{"message":"hello"}' ${url}/api/v1/events`,
  ];
}

function shellWord(text: string): string {
  return /^[\w./~@%+=:,-]+$/.test(text) ? text : `'${visible(text).replaceAll("'", "'\\''")}'`;
}
