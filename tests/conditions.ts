/** Where and with what a run was made; stands at the head of every report. */
import { spawnSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';

/** Conditions of a run; `loadAverage` is that of the last minute when it began. */
export type Conditions = {
  readonly at: string;
  readonly commit: string;
  readonly node: string;
  readonly natsServer: string;
  readonly processor: string;
  readonly cores: number;
  readonly loadAverage: number;
};

/** Reads them now; what can't be had is `unknown`. */
export function conditions(): Conditions {
  return {
    at: new Date().toISOString(),
    commit: said('git', ['rev-parse', '--short', 'HEAD']),
    node: process.version,
    natsServer: said(process.env['TOCSIN_NATS_SERVER'] || 'nats-server', ['--version']),
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    loadAverage: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

/** One line of Markdown. */
export function conditionsLine(found: Conditions): string {
  return `${found.at}, commit ${found.commit}, ${found.natsServer}, Node ${found.node}, ${found.cores} × ${found.processor}, load average ${found.loadAverage} at the start.`;
}

function said(command: string, args: readonly string[]): string {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : 'unknown';
}
