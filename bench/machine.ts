/** Under which conditions a run took place: processor, load, disk, versions. */
import { execFileSync } from 'node:child_process';
import { closeSync, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, platform, release } from 'node:os';
import { join } from 'node:path';
import { quantile } from './figure.ts';

/** Conditions of a whole run. */
export type Conditions = Readonly<Record<string, string | number>>;

const FSYNCS = 300;
const BLOCK_BYTES = 8192;

/** Conditions that a run begins under; `folder` is on the disk that is measured. */
export function conditionsOf(root: string, folder: string, natsServer: string): Conditions {
  const fsync = measureFsync(folder);
  return {
    date: new Date().toISOString(),
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    load_average: loadavg()
      .map((load) => load.toFixed(2))
      .join(' '),
    system: `${platform()} ${release()}`,
    tocsin: versionOf(root),
    node: process.version,
    nats_server: natsVersion(natsServer),
    fsync_mode: 'every acknowledgement (sync_interval: always)',
    fsync_p50_ms: round(quantile(fsync, 0.5)),
    fsync_p99_ms: round(quantile(fsync, 0.99)),
  };
}

/** Milliseconds of each of some fdatasyncs after an append of 8 KiB. */
function measureFsync(folder: string): number[] {
  const file = openSync(join(folder, 'fsync.probe'), 'w');
  const block = Buffer.alloc(BLOCK_BYTES, 1);
  try {
    return Array.from({ length: FSYNCS }, () => {
      writeSync(file, block);
      const begunMs = performance.now();
      fdatasyncSync(file);
      return performance.now() - begunMs;
    });
  } finally {
    closeSync(file);
  }
}

function versionOf(root: string): string {
  const { version } = JSON.parse(readFileSync(join(root, 'packages', 'tocsin', 'package.json'), 'utf8')) as { version: string };
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return `${version} (${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', '--', 'packages') === '' ? '' : ', changed'})`;
  } catch {
    return version; // no git, or no clone: the version says enough
  }
}

function natsVersion(binary: string): string {
  return execFileSync(binary, ['--version'], { encoding: 'utf8' })
    .trim()
    .replace(/^nats-server: v?/, '');
}

function round(ms: number): number {
  return Number(ms.toFixed(2));
}
