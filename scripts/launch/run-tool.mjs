/** Runs one set-up tool (npm, tar, pip, go, tsc) to its end, keeping the tail of what it printed. Signals to the launcher reach it. */
import { spawn } from 'node:child_process';
import { root } from './workspace.mjs';

const TAIL_CHARS = 16_384;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Resolves with `{ code, output, missing }`: `code` is the exit status, `missing` true where there is no such command. A signal to the
 * launcher ends the tool and then the launcher, by the same signal.
 */
export function runTool(command, args, { env, cwd = root } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let stdout = '';
    let stopped;
    const pass = (signal) => {
      stopped = signal;
      child.kill(signal);
    };
    for (const signal of SIGNALS) process.on(signal, pass);
    child.stdout.on('data', (chunk) => {
      stdout = (stdout + chunk).slice(-TAIL_CHARS);
      output = (output + chunk).slice(-TAIL_CHARS);
    });
    child.stderr.on('data', (chunk) => {
      output = (output + chunk).slice(-TAIL_CHARS);
    });
    const settle = (result) => {
      for (const signal of SIGNALS) process.off(signal, pass);
      if (stopped === undefined) resolve({ stdout, output, missing: false, ...result });
      else process.kill(process.pid, stopped);
    };
    child.on('error', (error) => settle({ code: -1, missing: error.code === 'ENOENT', output: String(error) }));
    child.on('close', (code) => settle({ code: code ?? -1 }));
  });
}

/** Command and first arguments that run npm: the one that started the launcher, else the one on PATH. */
export function npmCommand(nodeBin) {
  const cli = process.env.npm_execpath;
  return cli !== undefined && /npm-cli\.c?js$/.test(cli) ? [nodeBin, [cli]] : ['npm', []];
}
