/** Error rows of the area `ingest.*`. */
import type { ErrorTable } from './error-row.ts';

export const ingestErrors = {
  'ingest.overloaded': {
    retry: 'later', http: 503, exit: 75,
    about: 'More is waiting to be stored than memory is set aside for.',
    say: (d: { waitingBytes: number; maxBytes: number }) =>
      `${d.waitingBytes} of ${d.maxBytes} bytes are waiting to be stored. Nothing of this request was stored. Send it again later with the same ids.`,
  },
  'ingest.source_overloaded': {
    retry: 'later', http: 429, exit: 75,
    about: 'One source has more in flight than its share.',
    say: (d: { source: string; maxBytes: number }) =>
      `Source ${d.source} already has its ${d.maxBytes} bytes in flight. Nothing of this request was stored. Wait for answers, then send it again with the same ids.`,
  },
  'ingest.closing': {
    retry: 'later', http: 503, exit: 75,
    about: 'Tocsin is stopping and takes no more events.',
    say: (d: { what: string }) => `${d.what} is stopping. Nothing of this request was stored. Send it again when Tocsin is back.`,
  },
  'ingest.body_too_large': {
    retry: 'never', http: 413, exit: 65,
    about: 'A request body is larger than allowed, as sent or after decompression, or holds too many records.',
    say: (d: { what: string; max: number }) => `The body exceeds ${d.max} ${d.what}. Nothing of it was stored. Send it in smaller parts.`,
  },
  'ingest.unsupported_type': {
    retry: 'never', http: 415, exit: 65,
    about: 'The content type, its character set, or the content encoding is none that this door reads.',
    say: (d: { header: string; value: string; known: string }) => `${d.header} ${d.value} is not read here. Nothing was read. Use one of: ${d.known}.`,
  },
  'ingest.bad_encoding': {
    retry: 'never', http: 400, exit: 65,
    about: 'A compressed body cannot be decompressed.',
    say: (d: { encoding: string; reason: string }) => `The body is not ${d.encoding} as its header says: ${d.reason}. Nothing of it was stored. Send it again in whole.`,
  },
  'ingest.bad_body': {
    retry: 'never', http: 400, exit: 65,
    about: 'A body cannot be cut into records.',
    say: (d: { reason: string }) => `The body cannot be cut into records: ${d.reason}. Nothing of it was stored. Correct it and send it again.`,
  },
  'ingest.bad_header': {
    retry: 'never', http: 400, exit: 65,
    about: 'A request header is malformed.',
    say: (d: { header: string; reason: string }) => `Header ${d.header} ${d.reason}. Nothing was read. Correct it and send the request again.`,
  },
  'ingest.slow_body': {
    retry: 'later', http: 408, exit: 75,
    about: 'A body did not arrive in time.',
    say: (d: { waitedMs: number }) => `The body did not arrive within ${d.waitedMs} ms. Nothing of it was stored. Send it again, in smaller parts on a slow line.`,
  },
  'ingest.aborted': {
    retry: 'later', http: 400, exit: 75,
    about: 'The client went away before its body had arrived.',
    say: (d: { readBytes: number }) => `The connection ended after ${d.readBytes} bytes of body. Nothing of it was stored. Send it again.`,
  },
  'ingest.bad_record': {
    retry: 'never', http: 400, exit: 65,
    about: 'A record cannot be read in the format of its source.',
    say: (d: { reason: string }) => `The record cannot be read: ${d.reason}. It was not stored. Correct it and send it again.`,
  },
  'ingest.all_rejected': {
    retry: 'never', http: 400, exit: 65,
    about: 'Every record of a request was rejected.',
    say: (d: { records: number }) =>
      d.records === 1
        ? 'The record was rejected, for the reason given. Nothing was stored. Correct it and send it again.'
        : `All ${d.records} records were rejected, each for the reason given. Nothing was stored. Correct them and send them again.`,
  },
  'ingest.internal': {
    retry: 'later', http: 500, exit: 70,
    about: 'Something in Tocsin went wrong that it has no word for.',
    say: (d: { what: string }) => `${d.what} ended in an error of Tocsin's own. It may or may not be stored. Send again with the same ids and report it.`,
  },
} satisfies ErrorTable;
