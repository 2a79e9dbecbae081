/** Makes the fsync calls of a running process slow, or fail, for a while: strace attached to it, and detached again. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/** What becomes of each fsync and fdatasync meanwhile. */
export type FsyncFault = 'EIO' | { readonly delayMs: number };

/** Why it cannot be done here; undefined where it can. */
export function missingStrace(): string | undefined {
  return spawnSync('strace', ['-V']).status === 0 ? undefined : 'no strace';
}

/** Disturbs `pid` for so long, milliseconds; resolves when it is left alone again. That the process ends meanwhile is no error. */
export async function disturbFsync(pid: number, fault: FsyncFault, forMs: number): Promise<void> {
  const effect = fault === 'EIO' ? 'error=EIO' : `delay_exit=${fault.delayMs * 1000}`;
  const args = ['-f', '-q', '-o', '/dev/null', '-e', 'trace=fsync,fdatasync', '-e', `inject=fsync,fdatasync:${effect}`, '-p', String(pid)];
  const tracer = spawn('strace', args, { stdio: 'ignore' });
  const ended = once(tracer, 'exit');
  // The fault itself, not something waited for.
  const timer = setTimeout(() => tracer.kill('SIGINT'), forMs);
  await ended;
  clearTimeout(timer);
}
