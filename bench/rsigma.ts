/** The peer that the lanes are raced against, where it is installed: `TOCSIN_RSIGMA`, else `rsigma` on the path. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the peer did with a lane: processor seconds net of loading, and matches. */
export interface PeerRun {
  readonly cpuSeconds: number;
  readonly matches: number;
}

/** An installed peer. */
export interface Peer {
  readonly version: string;
  run(laneFile: string): PeerRun;
}

const TAGS = 'product=ls_product,service=ls_service,category=ls_category';
const NONE = 'product=none,service=none,category=none';
const RUNS = 2;
/** Lanes shorter than this are fed several times over: what they take must stand out from loading. */
const LEAST_BYTES = 150_000_000;

/** The peer with its rules unpacked below `folder`; undefined where it is not installed. `pipeline` narrows its registry categories. */
export function findPeer(folder: string, archive: string, pipeline: string): Peer | undefined {
  const binary = process.env['TOCSIN_RSIGMA'] ?? 'rsigma';
  const { status, stdout } = spawnSync(binary, ['--version'], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  const rules = mkdtempSync(join(folder, 'rules-'));
  execFileSync('tar', ['xzf', archive, '-C', rules]);
  const args = ['engine', 'eval', '-r', rules, '-p', pipeline, '--input-format', 'json', '--no-detections'];
  const strict = ['--logsource-routing', '--logsource-field-map', TAGS, '--event-logsource', NONE];
  const once = (file: string): PeerRun => timedRun(binary, [...args, '-e', `@${file}`, ...strict]);
  let load: number | undefined;
  return {
    version: stdout.split('\n')[0] ?? '',
    run: (laneFile) => {
      load ??= loadSeconds(laneFile, once);
      const { file, copies } = repeated(laneFile, folder);
      const runs = Array.from({ length: RUNS }, () => once(file)).sort((a, b) => a.cpuSeconds - b.cpuSeconds);
      const [best] = runs as [PeerRun];
      return { cpuSeconds: (best.cpuSeconds - load) / copies, matches: best.matches / copies };
    },
  };
}

/** A file with a short lane as often as it takes. */
function repeated(laneFile: string, folder: string): { file: string; copies: number } {
  const bytes = readFileSync(laneFile);
  const copies = Math.ceil(LEAST_BYTES / bytes.length);
  if (copies === 1) return { file: laneFile, copies };
  const file = join(folder, 'repeated.ndjson');
  writeFileSync(file, Buffer.concat(Array.from({ length: copies }, () => bytes)));
  return { file, copies };
}

/** Loading is what one event takes. */
function loadSeconds(laneFile: string, once: (file: string) => PeerRun): number {
  const folder = mkdtempSync(join(tmpdir(), 'one-event-'));
  try {
    const bytes = readFileSync(laneFile);
    writeFileSync(join(folder, 'one.ndjson'), bytes.subarray(0, bytes.indexOf(10) + 1));
    return Math.min(...Array.from({ length: RUNS }, () => once(join(folder, 'one.ndjson')).cpuSeconds));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Times a command by what the shell says its children used. */
function timedRun(binary: string, args: readonly string[]): PeerRun {
  const script = 'TIMEFORMAT="%U %S"; time "$@" 2>&1 >/dev/null';
  const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', binary, ...args], { encoding: 'utf8' });
  const [user = '', system = ''] = (stderr.trim().split('\n').at(-1) ?? '').split(' ');
  const matches = /Processed \d+ events, (\d+)/.exec(stdout)?.[1];
  if (matches === undefined) throw new Error(`the peer says nothing of matches: ${stdout.slice(0, 300)}`);
  return { cpuSeconds: Number(user) + Number(system), matches: Number(matches) };
}
