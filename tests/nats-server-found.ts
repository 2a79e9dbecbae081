/** Whether tests that need a nats-server can run here. */
import { spawnSync } from 'node:child_process';

/** The reason to skip, or undefined where the server that TOCSIN_NATS_SERVER names, or the one on PATH, runs. */
export function missingNatsServer(): string | undefined {
  const { status } = spawnSync(process.env['TOCSIN_NATS_SERVER'] || 'nats-server', ['--version']);
  if (status === 0) return undefined;
  return process.env['TOCSIN_NATS_MISSING'] || 'no nats-server: set TOCSIN_NATS_SERVER or put one on PATH';
}
