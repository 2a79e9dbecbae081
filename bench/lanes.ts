/**
 * The events that benches send: real records of Windows, Zeek, CloudTrail and syslog in equal shares, about 1 KB on average, made
 * once and kept in the cache folder. Without the corpora beside the clone the recordings of examples/attacks stand in.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** A lane on disk. */
export interface Lane {
  /** How it is called in reports. */
  readonly name: string;
  /** NDJSON file. */
  readonly path: string;
  readonly events: number;
  readonly bytesPerEvent: number;
}

const PARTS = ['win-real', 'zeek-real', 'cloudtrail-real', 'linux-syslog'];
const EVENTS_PER_PART = 10_000;

/** The mixed lane; made when missing, which takes about half a minute. */
export function mixedLane(root: string, progress: (text: string) => void): Lane {
  const folder = join(root, '.tocsin', 'bench');
  const corpora = process.env['TOCSIN_CORPORA'] ?? join(root, '..', 'shared', 'corpora');
  const maker = join(corpora, '..', 'bench', 'lanes.mjs');
  const name = existsSync(maker) ? 'mixed' : 'mixed, of examples/attacks only';
  const path = join(folder, existsSync(maker) ? 'mixed.ndjson' : 'mixed-examples.ndjson');
  if (!existsSync(path)) {
    progress('making the lane');
    mkdirSync(folder, { recursive: true });
    const parts = existsSync(maker) ? partsOfCorpora(maker, corpora, folder) : partsOfExamples(join(root, 'examples', 'attacks'));
    const lines = Array.from({ length: EVENTS_PER_PART }, (_, i) => parts.map((part) => part[i % part.length] ?? '')).flat();
    writeFileSync(`${path}.new`, `${lines.join('\n')}\n`);
    renameSync(`${path}.new`, path);
  }
  const lines = readLane(path);
  const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0);
  return { name, path, events: lines.length, bytesPerEvent: Math.round(bytes / lines.length) };
}

/** Lines of a lane. */
export function readLane(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

/**
 * The lane's records as if they had happened at `now`: what producers send live is of this minute, and old times would all
 * count as late once the first new one is seen.
 */
export function atTime(lines: readonly string[], now: Date): string[] {
  const iso = now.toISOString();
  const seconds = (now.getTime() / 1000).toFixed(6);
  const syslog = `${now.toUTCString().slice(8, 11)} ${String(now.getUTCDate()).padStart(2, ' ')} ${iso.slice(11, 19)}`;
  return lines.map((line) =>
    line
      .replaceAll(/\b20[12]\d-\d\d-\d\d([T ])\d\d:\d\d:\d\d/g, `${iso.slice(0, 10)}$1${iso.slice(11, 19)}`)
      .replace(/"ts":\d+(?:\.\d+)?/, `"ts":${seconds}`)
      .replace(/("message":")[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d /, `$1${syslog} `),
  );
}

function partsOfCorpora(maker: string, corpora: string, folder: string): string[][] {
  execFileSync(process.execPath, [maker, corpora, folder, String(EVENTS_PER_PART), ...PARTS], { stdio: 'ignore' });
  return PARTS.map((part) => readLane(join(folder, `${part}.ndjson`)));
}

/** One part per recording. */
function partsOfExamples(folder: string): string[][] {
  const recordings = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return recordings.map(({ name }) =>
    readdirSync(join(folder, name))
      .filter((file) => file.endsWith('.gz'))
      .flatMap((file) =>
        gunzipSync(readFileSync(join(folder, name, file)))
          .toString()
          .split('\n'),
      )
      .filter((line) => line !== ''),
  );
}
