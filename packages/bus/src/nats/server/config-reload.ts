/** Telling the running nats-server to read its configuration anew, and knowing when it has: it says so in its log. */
import { TocsinError } from '@tocsin/core';
import type { ServerLog } from './server-log.ts';
import { type ServerProcess, signalProcess } from './server-process.ts';

const RELOADED = /^Reloaded server configuration/;
const REFUSED = /^Failed to reload server configuration/;
const WITHIN_MS = 10_000;

/** Reloads one after the other. `log` must be given every line of the child. */
export class ConfigReload {
  #answer: PromiseWithResolvers<string | undefined> | undefined;

  /** Passes lines on, and hears the answer to a reload. */
  listen(log: ServerLog): ServerLog {
    return (level, line) => {
      if (RELOADED.test(line)) this.#answer?.resolve(undefined);
      else if (REFUSED.test(line)) this.#answer?.resolve(line);
      log(level, line);
    };
  }

  /** Resolves when the child works by the configuration that is in its file now. @throws server.failed when it refuses it, ends, or says nothing for 10 seconds */
  async ask(child: ServerProcess): Promise<void> {
    const server = child.identity();
    if (server === undefined)
      throw new TocsinError('server.failed', { reason: 'it ended before it could read its configuration anew', log: child.logTail() });
    const answer = Promise.withResolvers<string | undefined>();
    this.#answer = answer;
    const timer = setTimeout(() => answer.resolve(`it did not read its configuration anew within ${WITHIN_MS} ms`), WITHIN_MS);
    signalProcess(server.pid, 'SIGHUP');
    const reason = await Promise.race([answer.promise, child.ended]);
    clearTimeout(timer);
    this.#answer = undefined;
    if (reason !== undefined) throw new TocsinError('server.failed', { reason, log: child.logTail() });
  }
}
