/** Runs one set-up tool (npm, tar, pip, go, tsc) to its end, keeping the tail of what it printed. Signals to the launcher reach it. */
import { spawn } from 'node:child_process';
import { root, toolEnvironment } from './workspace.mjs';

const TAIL_CHARS = 16_384;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** The launcher was told to stop while a tool ran. Passes through every `finally`, so that no lock and no half-made folder stays behind. */
export class Interrupted extends Error {
  constructor(signal) {
    super(`interrupted by ${signal}`);
    this.signal = signal;
  }
}

/**
 * Resolves with `{ code, stdout, output, missing }`: `code` is the exit status, `missing` true where there is no such command. A signal to
 * the launcher ends the tool. @throws Interrupted then
 */
export function runTool(command, args, { env, cwd = root } = {}) {
  return new Promise((resolve, reject) => {
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
      else reject(new Interrupted(stopped));
    };
    child.on('error', (error) => settle({ code: -1, missing: error.code === 'ENOENT', output: String(error) }));
    child.on('close', (code) => settle({ code: code ?? -1 }));
  });
}

/**
 * Runs npm: the one that started the launcher, else the one on PATH, on the machine's own Node (npm finds its global settings, such as a
 * proxy or an authority's certificate, beside the Node it runs on).
 */
export function runNpm(args, { cwd } = {}) {
  const cli = process.env.npm_execpath;
  const [command, first] = cli !== undefined && /npm-cli\.c?js$/.test(cli) ? [process.execPath, [cli]] : ['npm', []];
  // engine-strict in the user's settings would refuse packages for Node 24 on an older Node; they never run on it.
  const env = { ...toolEnvironment(), npm_config_engine_strict: 'false' };
  return runTool(command, [...first, ...args], { env, cwd });
}
