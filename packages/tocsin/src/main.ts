#!/usr/bin/env node
/**
 * The program `tocsin`: the only place that touches the process. Environment, signals, standard streams and the exit code
 * meet the command line here; nothing else reads or sets them.
 */
import { readFileSync } from 'node:fs';
import { startBounded } from './cli/bounded-start.ts';
import { keepCompiledCode } from './cli/code-cache.ts';
import type { Screen } from './cli/terminal.ts';
import { importQuickly } from './quick-imports.ts';

startBounded();
const { env, stdin, stdout, stderr } = process;
const interrupted = new AbortController();
const outputClosed = new AbortController();

/** Exit code after a second interruption: 128 + SIGINT. */
const EXIT_FORCED = 130;

/** Who reads settings again when asked to. */
const reloading = new Set<() => void>();

const interrupt = (signal: NodeJS.Signals): void => {
  // Who asks twice does not want to wait for what is still being finished.
  if (interrupted.signal.aborted) process.exit(EXIT_FORCED);
  interrupted.abort(new Error(`interrupted by ${signal}`));
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
process.on('SIGHUP', (signal) => {
  // From a terminal it says that the terminal has gone; to a service, that its settings shall be read again.
  if (stdin.isTTY || reloading.size === 0) interrupt(signal);
  else for (const listener of reloading) listener();
});
// A closed pipe (EPIPE) is the reader's wish to stop, not an error; nothing more can be said to it.
stdout.on('error', (error) => outputClosed.abort(error));
stderr.on('error', () => undefined);

keepCompiledCode((name) => env[name]);
importQuickly();
// Loaded behind the lines above, which are for all that is loaded from there on.
const { runProgram } = await import('./cli/program.ts');
process.exitCode = await runProgram({
  argv: process.argv.slice(2),
  environment: {
    url: env['TOCSIN_URL'],
    token: env['TOCSIN_TOKEN'],
    dataDir: env['TOCSIN_DATA'],
    natsServer: env['TOCSIN_NATS_SERVER'],
    cwd: process.cwd(),
    // Both are set by the launcher of a clone: what was typed to come here, and the clone's own folder.
    program: env['TOCSIN_PROGRAM'],
    home: env['TOCSIN_WORKSPACE'],
    // https://no-color.org: set and not empty.
    colour: (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb',
    get stdin() {
      return stdin;
    },
    variable: (name) => env[name],
  },
  out: screen(stdout, outputClosed.signal),
  err: screen(stderr, undefined),
  interrupted: interrupted.signal,
  onReload(listener) {
    reloading.add(listener);
    return () => void reloading.delete(listener);
  },
  outputClosed: outputClosed.signal,
  version: readVersion(),
});
await Promise.all([flushed(stdout), flushed(stderr)]);
// An idle keep-alive connection must not hold the process back.
process.exit();

/** A stream as the command line writes to it; silent once its reader has gone. */
function screen(stream: NodeJS.WriteStream, closed: AbortSignal | undefined): Screen {
  return {
    write: (text) => (closed?.aborted || stream.destroyed ? false : stream.write(text)),
    get isTTY() {
      return stream.isTTY;
    },
    get columns() {
      return stream.columns;
    },
  };
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) resolve();
    else {
      stream.once('drain', resolve);
      stream.once('error', () => resolve());
    }
  });
}

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}
