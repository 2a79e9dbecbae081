/** Memory and processor time of processes, read from /proc: what a process says of itself is not asked. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

/** What a group of processes uses. */
export interface Usage {
  /** Resident memory of all, MiB. */
  readonly rssMiB: number;
  /** Processor time of all since each began, seconds. */
  readonly cpuSeconds: number;
  /** Resident memory by program, MiB, such as `node 180, nats-server 20`. */
  readonly byProgram: string;
}

/** Clock ticks per second of /proc/PID/stat; 100 on every Linux that Node runs on (USER_HZ). */
export const TICKS_PER_SECOND = 100;

/** Usage of a process and of everything it has started. A process that ends meanwhile counts as nothing. */
export function usageOf(root: number): Usage {
  const programs = new Map<string, number>();
  let cpuSeconds = 0;
  for (const pid of familyOf(root)) {
    const status = readProc(pid, 'status');
    const name = /^Name:\s*(.+)$/m.exec(status)?.[1] ?? '?';
    const rssMiB = Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
    programs.set(name, (programs.get(name) ?? 0) + rssMiB);
    cpuSeconds += cpuSecondsOf(pid);
  }
  const rssMiB = [...programs.values()].reduce((sum, one) => sum + one, 0);
  return { rssMiB, cpuSeconds, byProgram: [...programs].map(([name, mib]) => `${name} ${Math.round(mib)}`).join(', ') };
}

/** Processor time of a process' main thread since it began, seconds: in Node the one that runs the event loop. */
export function mainThreadSeconds(pid: number): number {
  return secondsOf(statFields(pid, `task/${pid}/stat`));
}

/** A process and all its descendants. */
export function familyOf(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const parent = Number(statFields(pid)[1] ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const family = [root];
  for (const pid of family) family.push(...(children.get(pid) ?? []));
  return family;
}

function cpuSecondsOf(pid: number): number {
  return secondsOf(statFields(pid));
}

function secondsOf(fields: readonly string[]): number {
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS_PER_SECOND;
}

/** Fields of /proc/PID/stat from the state on (proc(5) field 3): a program's name may hold anything. */
export function statFields(pid: number, file = 'stat'): string[] {
  const text = readProc(pid, file);
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Text of a file of a process; empty where the process has ended. */
export function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return ''; // the process has ended
  }
}
