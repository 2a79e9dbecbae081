/** A program that runs a nats-server child until it is killed: `server-parent.ts DIRECTORY GUARD PATH`; its first line is the server's process number. */
import { startNatsServer } from '../src/nats/server/nats-server.ts';
import type { OrphanGuard } from '../src/nats/server/server-process.ts';

const [directory = '', guard = 'setpriv', path = ''] = process.argv.slice(2);
const server = await startNatsServer({
  directory,
  site: 'test-site',
  binary: { path },
  duties: {},
  topology: { streams: [], buckets: [] },
  log: () => undefined,
  orphanGuard: guard as OrphanGuard,
});
process.stdout.write(`${server.pid}\n`);
