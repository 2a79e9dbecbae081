/**
 * How a process that serves for days is begun: with bounds of memory that can be set before a program starts and at no other time. Its own
 * process is replaced by one that has them (execve(2)): number, streams and what started it stay. Figures are in docs/performance.md.
 */
import { accessSync, constants } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { commandWord } from './command-word.ts';

/** A process as it was begun. */
export interface BegunProcess {
  readonly execPath: string;
  /** Options of Node, and what stands behind them: script and arguments. */
  readonly execArgv: readonly string[];
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether a parent talks to it over a channel, which would be lost. */
  readonly hasChannel: boolean;
}

/** What takes its place. */
export interface BoundedProcess {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Commands that serve until they are stopped. */
const SERVING: ReadonlySet<string> = new Set(['up', 'start']);
const SEMI_SPACE = '--max-semi-space-size';
/** Half of the room for new objects of the main thread, MiB. V8's own choice is 32, which a busy door fills and never gives back. */
const SEMI_SPACE_MIB = 8;
/**
 * All threads: by how much their heaps may grow, in percent of what was in use, before the whole is collected again. V8's own choice goes up to
 * 300 where much is thrown away quickly, as a busy door does: it makes a heap of 45 MiB one of 170.
 */
const GROWTH = '--heap-growing-percent=50';
/**
 * Of the GNU C library (mallopt(3)): few arenas, and large blocks in maps of their own. Buffers come and go in several threads; each arena
 * keeps what it once needed, and without a fixed threshold so do blocks of up to 32 MiB.
 */
const MALLOC: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
};

/** What is to take the place of a process; undefined where it is bounded already, by whoever started it or by us, or does not serve. */
export function boundedStart({ execPath, execArgv, argv, env, hasChannel }: BegunProcess): BoundedProcess | undefined {
  if (!SERVING.has(commandWord(argv.slice(2)) ?? '') || hasChannel) return undefined;
  if ([...execArgv, env['NODE_OPTIONS'] ?? ''].some((option) => option.replaceAll('_', '-').includes(SEMI_SPACE))) return undefined;
  // An exec that finds nothing to run ends the process.
  if (!isRunnable(execPath)) return undefined;
  return { args: [execPath, `${SEMI_SPACE}=${SEMI_SPACE_MIB}`, GROWTH, ...execArgv, ...argv.slice(1)], env: { ...MALLOC, ...env } };
}

/** Replaces this process by a bounded one where it is to be; comes back where it stays. To be called before anything is opened. */
export function startBounded(): void {
  const { execPath, execArgv, argv, env } = process;
  const wanted = boundedStart({ execPath, execArgv, argv, env, hasChannel: process.channel !== undefined });
  // Not on Windows.
  if (wanted !== undefined && process.execve !== undefined) process.execve(execPath, wanted.args, { ...wanted.env });
  // The bound is the main thread's: each other thread has its own (`resourceLimits`), which this one would take the place of.
  if (execArgv.some((option) => option.startsWith(SEMI_SPACE))) setFlagsFromString(`${SEMI_SPACE}=0`);
}

function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // That is the answer.
  }
}
