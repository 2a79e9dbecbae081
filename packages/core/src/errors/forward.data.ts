/** Error rows of the area `forward.*`: sending on what was taken in on another machine. */
import type { ErrorTable } from './error-row.ts';

export const forwardErrors = {
  'forward.spool_full': {
    retry: 'later', http: 503, exit: 75,
    about: 'A forwarder holds as much as it may, because the installation it sends to takes nothing.',
    say: (d: { maxBytes: number; retryAfterMs: number }) =>
      `The spool of this forwarder holds ${d.maxBytes} bytes, or its disk has no room. No more is taken in until something was sent on. Look at: tocsin forward status`,
  },
  'forward.not_taken': {
    retry: 'later', http: 502, exit: 69,
    about: 'The installation that a forwarder sends to cannot be reached, or takes nothing now.',
    say: (d: { url: string; source: string; reason: string }) =>
      `${d.url} does not take what source ${d.source} sends: ${d.reason}. It waits in the spool and is sent again. Check the address, the credential and the installation there.`,
  },
  'forward.rejected': {
    retry: 'never', http: 400, exit: 65,
    about: 'The installation that a forwarder sends to has rejected records for good.',
    say: (d: { url: string; source: string; records: number; reason: string }) =>
      `${d.url} rejected ${d.records} records of source ${d.source}: ${d.reason}. They were passed over and counted. Correct what the producer writes, or the format of the source.`,
  },
  'forward.nothing': {
    retry: 'never', http: 400, exit: 78,
    about: 'A forwarder was started without anything to read.',
    say: (d: { file: string }) =>
      `There is nothing to forward: no path was given and ${d.file} names no listener. Nothing was started. Give a path, - for standard input, or listeners in a settings file.`,
  },
} satisfies ErrorTable;
