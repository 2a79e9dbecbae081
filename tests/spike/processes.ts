/** Starts the writer and reader processes and restarts them after a kill. Not here: what is posted. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A child of the spike that can be killed and started again. */
export interface Worker extends AsyncDisposable {
  readonly child: ChildProcess;
  /** SIGKILL, then a new child; resolves once that one is ready. `onNew` has run by then. */
  replace(): Promise<void>;
}

/** Runs `file` (beside this one) with the server's url; `onNew` gets each child before it is ready. */
export async function openWorker(
  file: 'writer.ts' | 'reader.ts',
  url: string,
  onNew: (child: ChildProcess) => void = () => undefined,
  args: readonly string[] = [],
): Promise<Worker> {
  let child = await start();
  return {
    get child() {
      return child;
    },
    async replace() {
      await kill(child);
      child = await start();
    },
    [Symbol.asyncDispose]: () => kill(child),
  };

  async function start(): Promise<ChildProcess> {
    const next = fork(fileURLToPath(new URL(file, import.meta.url)), [url, ...args], {
      serialization: 'advanced',
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    await once(next, 'message');
    onNew(next);
    return next;
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
