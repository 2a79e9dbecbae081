/** Checks of the installation: whether it runs and answers, its bus, duties and rules. */
import { connect } from 'node:net';
import { isTocsinError } from '@tocsin/core';
import type { InstallationStatus } from '../../api/installation-status.ts';
import { readRunFile } from '../../state/run-file.ts';
import { ApiError } from '../api-client.ts';
import type { CommandContext } from '../command.ts';
import { bad, type Finding, good, unknown } from './check.ts';

/** Where an installation listens that is not told otherwise. */
const DEFAULT_PORT = 7514;
/** Longest wait for a connection, milliseconds. */
const CONNECT_MS = 2000;

/** What there is to say about the installation; where none runs, whether one could. */
export async function checkInstallation(context: CommandContext): Promise<Finding[]> {
  const asked = await askStatus(context);
  if ('status' in asked) return checkStatus(asked.status, asked.url);
  const { failure } = asked;
  const run = await readRunFile(context.dataDir);
  if (isTocsinError(failure, 'api.unreachable') && run === undefined && context.environment.url === undefined) {
    return [unknown('installation', 'none runs on this data folder: tocsin up'), await checkPort(DEFAULT_PORT)];
  }
  const remedy =
    failure instanceof ApiError ? 'Give the right credential with TOCSIN_TOKEN.' : 'If it was killed, start it again: tocsin up';
  return [bad('installation', failure.message, remedy)];
}

type Asked = { readonly status: InstallationStatus; readonly url: string } | { readonly failure: Error };

async function askStatus(context: CommandContext): Promise<Asked> {
  try {
    const api = await context.api();
    return { status: await api.call<InstallationStatus>('GET', '/status', { signal: context.interrupted }), url: api.address.url };
  } catch (error) {
    if (isTocsinError(error) || error instanceof ApiError) return { failure: error };
    throw error;
  }
}

function checkStatus(status: InstallationStatus, url: string): Finding[] {
  const { guarantees, rules, duties } = status;
  const down = duties.filter((duty) => duty.state !== 'running');
  const bus = `${guarantees.bus} ${status.busServer}, acknowledges after ${guarantees.durability}`;
  return [
    good('installation', `${status.version} answers at ${url}`),
    guarantees.durability === 'fsync'
      ? good('bus', bus)
      : bad('bus', bus, 'Newest events may be lost in a power cut; run the embedded nats-server, which syncs always.'),
    down.length === 0
      ? good('duties', duties.map((duty) => duty.duty).join(', '))
      : bad(
          'duties',
          down.map((duty) => `${duty.duty} is ${duty.state}${duty.reason === undefined ? '' : ` (${duty.reason})`}`).join('; '),
          'See the log of tocsin up; a failed duty is started again by itself.',
        ),
    checkRules(rules),
  ];
}

function checkRules(rules: InstallationStatus['rules']): Finding {
  if (rules === null) return unknown('rules', 'not known while detection is down');
  return rules.refused === 0
    ? good('rules', `${rules.loaded} in force`)
    : bad('rules', `${rules.refused} refused, ${rules.loaded} in force`, 'See which and why: tocsin rules');
}

/** Whether somebody else holds the port that `tocsin up` would take. */
function checkPort(port: number): Promise<Finding> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: CONNECT_MS });
    const tell = (finding: Finding): void => {
      socket.destroy();
      resolve(finding);
    };
    socket.once('connect', () => tell(bad('port', `something listens on ${port} already`, 'Choose another: tocsin up --port 0')));
    socket.once('timeout', () => tell(unknown('port', `${port} does not answer`)));
    socket.once('error', () => tell(good('port', `${port} is free`)));
  });
}
