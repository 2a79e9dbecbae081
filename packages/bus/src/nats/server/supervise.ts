/** Keeps one child running: starts it again with growing pauses when it ends unasked or its storage is broken, until it is stopped. */
import type { ServerLog } from './server-log.ts';
import type { ServerProcess } from './server-process.ts';

/** What to keep running. */
export interface SupervisedStart {
  readonly log: ServerLog;
  /** Starts one child and resolves when it is ready. A child whose storage breaks ends after `onBroken`, also before it is ready. */
  start(onBroken: (line: string) => void): Promise<ServerProcess>;
}

/** A supervised child. */
export interface Supervisor {
  /** The running child; undefined between two. */
  child(): ServerProcess | undefined;
  /** Ends supervision, then the child. Idempotent. */
  stop(): Promise<void>;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** A child that ran this long was well: the next pause is short again. */
const STABLE_MS = 30_000;

/** Starts the child and resolves when it is ready; the first start is not repeated. @throws what `start` throws */
export async function supervise({ log, start }: SupervisedStart): Promise<Supervisor> {
  const stopping = new AbortController();
  let current: ServerProcess | undefined;
  let restartAsked = false;
  const onBroken = (line: string): void => {
    if (restartAsked || stopping.signal.aborted) return;
    restartAsked = true;
    log('error', `nats-server cannot store (${line}); Tocsin restarts it`);
  };
  const begin = async (): Promise<void> => {
    restartAsked = false;
    const child = await start(onBroken);
    if (stopping.signal.aborted) await child.stop();
    current = child;
  };
  await begin();
  const loop = keepRunning();

  async function keepRunning(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    while (!stopping.signal.aborted) {
      const since = performance.now();
      const reason = await current?.ended;
      if (stopping.signal.aborted) return;
      current = undefined;
      if (performance.now() - since > STABLE_MS) pauseMs = FIRST_PAUSE_MS;
      log('error', `nats-server is gone: ${reason ?? 'it did not start'}; it is started again in ${pauseMs} ms`);
      await pause(pauseMs, stopping.signal);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      if (!stopping.signal.aborted) await begin().catch((error: unknown) => log('error', String(error)));
    }
  }
  return {
    child: () => current,
    async stop() {
      stopping.abort();
      await current?.stop();
      await loop;
      await current?.stop();
    },
  };
}

/** Resolves after `ms` or at the abort. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
