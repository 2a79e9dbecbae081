/**
 * Sends syslog over TCP, a process of its own: reads a plan from its arguments, makes every byte first, says `ready` on stdout, sends at the
 * first byte on stdin and, once every connection is closed, says how much processor time sending took.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { syslogStream } from './syslog-lines.ts';

const [port = 0, connections = 1, each = 0] = process.argv.slice(2, 5).map(Number);
const framing = process.argv[5] === 'lines' ? 'lines' : 'counted';
const streams = Array.from({ length: connections }, (_, c) => syslogStream(c * each, each, framing));
process.stdout.write('ready\n');
await once(process.stdin, 'data');
process.stdin.pause();
const before = process.cpuUsage();
await Promise.all(
  streams.map(async (stream) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.resume();
    socket.end(stream);
    await once(socket, 'close');
  }),
);
const { user, system } = process.cpuUsage(before);
process.stdout.write(JSON.stringify({ cpuSeconds: (user + system) / 1e6 }));
