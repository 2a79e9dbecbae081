/** Whether a program that was sent SIGSTOP stands still: for tests of what is done while a server answers nothing. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Whether every thread of a process stands still: a stop reaches them one by one, and until the last has stopped a server still answers. */
export function hasStopped(pid: number): boolean {
  if (process.platform !== 'linux') return spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout.startsWith('T');
  return readdirSync(`/proc/${pid}/task`).every((task) => / \(.*\) T /.test(readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8')));
}
