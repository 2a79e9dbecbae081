/**
 * Who a process is beyond its number: numbers are reused, so a lock or a kill always also compares the start time.
 * Linux reads /proc, others ask `ps`.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process at one time of its life. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; equal texts mean the same process. */
  readonly started: string;
}

/** Identity of a running process; undefined when there is none (a zombie counts as none). */
export function identify(pid: number): ProcessIdentity | undefined {
  if (!Number.isSafeInteger(pid) || pid < 1) return undefined;
  const started = process.platform === 'linux' ? startedOnLinux(pid) : startedByPs(pid);
  return started === undefined ? undefined : { pid, started };
}

/** Whether that very process still runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.started === identity.started;
}

/** Command line of a running process, arguments joined by spaces; empty where it cannot be read. */
export function commandLine(pid: number): string {
  if (process.platform === 'linux') return (readIfThere(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim();
  return spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout?.trim() ?? '';
}

/** Text of a small file; undefined where there is none. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

/** State and start time are fields 3 and 22 of stat(5), counted after the name in parentheses; ticks count from boot, hence the boot's id. */
function startedOnLinux(pid: number): string | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X' || fields[19] === undefined) return undefined;
  return `${readIfThere('/proc/sys/kernel/random/boot_id')?.trim() ?? ''}/${fields[19]}`;
}

function startedByPs(pid: number): string | undefined {
  const { status, stdout } = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' });
  const text = stdout?.trim() ?? '';
  return status !== 0 || text === '' || text.startsWith('Z') ? undefined : text.replace(/^\S+\s+/, '');
}
