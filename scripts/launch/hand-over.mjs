/** Runs the task on Node 24 in the launcher's place: same terminal, signals passed on, exit code or signal kept. */
import { spawn, spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { again, SetUpError } from './set-up-error.mjs';
import { root, withFirst } from './workspace.mjs';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Starts `nodeBin args` in folder `cwd` with `env` added; ends this process as that one ends. */
export function handOver(nodeBin, args, { env, cwd }) {
  refuseBadNodeOptions(nodeBin);
  const child = spawn(nodeBin, args, {
    cwd,
    stdio: 'inherit',
    env: { ...process.env, PATH: withFirst(dirname(nodeBin)), TOCSIN_WORKSPACE: root, ...env },
  });
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      // On a terminal Ctrl-C reaches the whole foreground group already; a second INT would mean "at once" to the program.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('error', (error) => {
    process.stderr.write(
      new SetUpError(`${nodeBin} could not be started.`, { why: String(error), type: `npm run clean && ${again}` }).text,
    );
    process.exitCode = 71;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/** NODE_OPTIONS may hold what the machine's Node takes and Node 24 does not; then Node would end without a word about where it came from. */
function refuseBadNodeOptions(nodeBin) {
  if (!process.env.NODE_OPTIONS || nodeBin === process.execPath) return;
  const probe = spawnSync(nodeBin, ['--version'], { encoding: 'utf8' });
  if (probe.status === 0) return;
  throw new SetUpError(`Node 24 refuses NODE_OPTIONS=${process.env.NODE_OPTIONS}.`, { why: probe.stderr, type: `NODE_OPTIONS= ${again}` });
}
