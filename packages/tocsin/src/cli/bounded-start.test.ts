/** Which processes are begun anew with bounds of memory, and that it is done: by the program itself, as a person starts it. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type BegunProcess, boundedStart } from './bounded-start.ts';

const MAIN = join(import.meta.dirname, '..', 'main.ts');
const begun: BegunProcess = {
  execPath: process.execPath,
  execArgv: ['--conditions=tocsin-source'],
  argv: [process.execPath, '/t/main.js', '--data', 'start', 'up', '--port', '0'],
  env: { PATH: '/bin', MALLOC_ARENA_MAX: '7' },
  hasChannel: false,
};

describe('a process that serves', () => {
  it('is begun anew with its own options and arguments, and what was set outside is kept', () => {
    expect(boundedStart(begun)).toEqual({
      args: [process.execPath, '--max-semi-space-size=8', '--heap-growing-percent=50', ...begun.execArgv, ...begun.argv.slice(1)],
      env: { PATH: '/bin', MALLOC_ARENA_MAX: '7', MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '131072' },
    });
  });

  it.each<[string, Partial<BegunProcess>]>([
    ['it is bounded', { execArgv: ['--max-semi-space-size=8'] }],
    ['it is bounded in the other spelling', { execArgv: ['--max_semi_space_size=64'] }],
    ['it is bounded by the environment', { env: { NODE_OPTIONS: '--trace-gc --max-semi-space-size=16' } }],
    ['it is another command', { argv: [process.execPath, '/t/main.js', '--data', 'up', 'status'] }],
    ['there is no command', { argv: [process.execPath, '/t/main.js', '--version'] }],
    ['its parent talks to it', { hasChannel: true }],
    ['there is no such program any more', { execPath: '/nonexistent/node' }],
  ])('is left alone where %s', (_, changed) => {
    expect(boundedStart({ ...begun, ...changed })).toBeUndefined();
  });

  it('runs once, in the process that was started, within the bounds', async () => {
    const probe = 'data:text/javascript,console.log(`<${process.pid} ${process.execArgv[0]} ${process.env.MALLOC_ARENA_MAX}>`)';
    const running = promisify(execFile)(process.execPath, [`--import=${probe}`, '--conditions=tocsin-source', MAIN, 'up', '--help'], {
      env: { ...process.env, MALLOC_ARENA_MAX: '3', NODE_OPTIONS: '' },
    });
    const { stdout, stderr } = await running;
    const { pid } = running.child;
    expect(stdout.match(/<\d+ .*>/g)).toEqual([`<${pid} --import=${probe} 3>`, `<${pid} --max-semi-space-size=8 3>`]);
    expect(stdout.match(/Usage: tocsin up/g)).toHaveLength(1);
    expect(stderr).toBe('');
  });
});
