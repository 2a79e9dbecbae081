/** Error rows of the area `decode.*`: why the bytes of one record were not taken in. Each is answered to the record's sender. */
import type { ErrorTable } from './error-row.ts';

export const decodeErrors = {
  'decode.too_large': {
    retry: 'never', http: 413, exit: 65,
    about: 'One record has more bytes than a record may have.',
    say: (d: { bytes: number; maxBytes: number }) => `A record has ${d.bytes} bytes and may have ${d.maxBytes}. It was not stored. Send smaller records.`,
  },
  'decode.bad_utf8': {
    retry: 'never', http: 400, exit: 65,
    about: 'A record is not valid UTF-8.',
    say: (d: { format: string }) => `A ${d.format} record is not valid UTF-8. It was not stored. Send it as UTF-8.`,
  },
  'decode.bad_json': {
    retry: 'never', http: 400, exit: 65,
    about: 'A record is not valid JSON, or not the kind of JSON value its format has.',
    say: (d: { format: string; reason: string }) => `A ${d.format} record cannot be read: ${d.reason}. It was not stored. Correct it and send it again.`,
  },
  'decode.too_deep': {
    retry: 'never', http: 400, exit: 65,
    about: 'A record nests objects and arrays deeper than allowed.',
    say: (d: { maxDepth: number }) => `A record is nested deeper than ${d.maxDepth} levels. It was not stored. Flatten it.`,
  },
  'decode.too_many_keys': {
    retry: 'never', http: 400, exit: 65,
    about: 'A record has more object members than allowed.',
    say: (d: { maxKeys: number }) => `A record has more than ${d.maxKeys} object members. It was not stored. Split it.`,
  },
  'decode.too_many_records': {
    retry: 'never', http: 413, exit: 65,
    about: 'One envelope holds more records than allowed.',
    say: (d: { maxRecords: number }) => `An envelope holds more than ${d.maxRecords} records. None of it was stored. Send it in parts.`,
  },
  'decode.bad_line': {
    retry: 'never', http: 400, exit: 65,
    about: 'A line of text has no header that its format knows.',
    say: (d: { format: string; reason: string }) => `A ${d.format} line cannot be read: ${d.reason}. It was not stored. Check the format of its source.`,
  },
  'decode.unknown_format': {
    retry: 'never', http: 400, exit: 65,
    about: 'A record looks like none of the formats that can be told by looks.',
    say: (d: { known: string }) => `A record looks like none of ${d.known}. It was not stored. Name the format of its source.`,
  },
} satisfies ErrorTable;
