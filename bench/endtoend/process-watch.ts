/** Memory and processor time of the product's processes and threads while it runs, read from /proc. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';
import { familyOf, readProc, statFields, TICKS_PER_SECOND } from '../processes.ts';

/** Resident memory at a moment, MiB, of all processes together and by program. */
export type MemorySample = { readonly atS: number; readonly rssMiB: number; readonly byProgram: Readonly<Record<string, number>> };

/** Processor seconds so far by `program / thread`. */
export type ThreadTimes = ReadonlyMap<string, number>;

/** Memory of a process and everything it has started. */
export function sampleMemory(root: number, atS: number): MemorySample {
  const byProgram: Record<string, number> = {};
  for (const pid of familyOf(root)) {
    const status = readProc(pid, 'status');
    const name = /^Name:\s*(.+)$/m.exec(status)?.[1] ?? '?';
    byProgram[programName(pid, root, name)] = Math.round(Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1] ?? 0) / 1024);
  }
  return { atS, rssMiB: Object.values(byProgram).reduce((sum, one) => sum + one, 0), byProgram };
}

/** Processor time of every thread of a process and of everything it has started; threads of one name count together. */
export function threadTimes(root: number): ThreadTimes {
  const times = new Map<string, number>();
  for (const pid of familyOf(root)) {
    const program = programName(pid, root, readProc(pid, 'comm').trim());
    for (const thread of threadsOf(pid)) {
      const name = readProc(pid, `task/${thread}/comm`).trim();
      const fields = statFields(pid, `task/${thread}/stat`);
      const seconds = (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS_PER_SECOND;
      const key = program === 'tocsin' ? `tocsin / ${name === 'MainThread' ? 'main' : name}` : program;
      times.set(key, (times.get(key) ?? 0) + seconds);
    }
  }
  return times;
}

/** Shares of a core between two moments, in percent, the largest first; what used less than half a percent is left out. */
export function sharesBetween(
  before: ThreadTimes,
  after: ThreadTimes,
  seconds: number,
): { readonly who: string; readonly percent: number }[] {
  return [...after]
    .map(([who, total]) => ({ who, percent: Math.round(((total - (before.get(who) ?? 0)) / seconds) * 1000) / 10 }))
    .filter(({ percent }) => percent >= 0.5)
    .sort((a, b) => b.percent - a.percent);
}

/** The processor seconds that the machine had and did not use for us are not told: what the hypervisor took, as a share of all, since start. */
export function stolenSeconds(): number {
  const fields = /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'latin1'))?.[1]?.split(' ') ?? [];
  return Number(fields[7] ?? 0) / TICKS_PER_SECOND;
}

function programName(pid: number, root: number, name: string): string {
  return pid === root ? 'tocsin' : name;
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // the process has ended
  }
}
