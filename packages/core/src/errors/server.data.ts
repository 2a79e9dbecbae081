/** Error rows of the nats-server child that Tocsin runs (`server.*`). */
import type { ErrorTable } from './error-row.ts';

export const serverErrors = {
  'server.missing': {
    retry: 'never', http: 500, exit: 69,
    about: 'No nats-server program was found.',
    say: (d: { tried: string; floor: string; line: string }) =>
      `No nats-server ${d.floor} or newer was found in ${d.tried}. Tocsin did not start a bus. Type: ${d.line}`,
  },
  'server.too_old': {
    retry: 'never', http: 500, exit: 78,
    about: 'The nats-server program that was named is older than the oldest one Tocsin runs.',
    say: (d: { path: string; found: string; floor: string; line: string }) =>
      `${d.path} is nats-server ${d.found}, and Tocsin runs ${d.floor} or newer. It was not started. Type: ${d.line}`,
  },
  'server.in_use': {
    retry: 'never', http: 500, exit: 75,
    about: 'Another process holds the data directory.',
    say: (d: { directory: string; pid: number }) =>
      `Data directory ${d.directory} is in use by process ${d.pid}. A second bus on it would destroy data, so none was started. Stop that process or name another directory.`,
  },
  'server.failed': {
    retry: 'later', http: 503, exit: 69,
    about: 'The nats-server child ended or did not become ready.',
    say: (d: { reason: string; log: string }) => `nats-server did not become ready: ${d.reason}. Its last lines: ${d.log}. Look at the data directory and its disk, then start again.`,
  },
  'server.bad_setting': {
    retry: 'never', http: 500, exit: 78,
    about: 'A setting of the bus server cannot be used.',
    say: (d: { what: string; reason: string }) => `${d.what} cannot be used: ${d.reason}. No bus was started. Correct it and start again.`,
  },
} satisfies ErrorTable;
