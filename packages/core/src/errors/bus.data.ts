/** Error rows of the bus (`bus.*`). */
import type { ErrorTable } from './error-row.ts';

export const busErrors = {
  'bus.too_large': {
    retry: 'never', http: 413, exit: 65,
    about: 'A message is larger than the bus takes.',
    say: (d: { subject: string; bytes: number; maxBytes: number }) =>
      `A message for ${d.subject} has ${d.bytes} bytes and the bus takes ${d.maxBytes}. Nothing of its batch was stored. Send smaller events.`,
  },
  'bus.full': {
    retry: 'later', http: 503, exit: 75,
    about: 'The stream has reached its size limit and refuses new messages to protect unread ones.',
    say: (d: { stream: string }) =>
      `Stream ${d.stream} is full. Nothing was stored and nothing was evicted. Free disk space or raise its limit, then send again.`,
  },
  'bus.unavailable': {
    retry: 'reconnect', http: 503, exit: 69,
    about: 'The bus cannot be reached; nothing was sent.',
    say: (d: { reason: string }) => `The bus is not reachable: ${d.reason}. Nothing was stored. Tocsin keeps reconnecting; send again.`,
  },
  'bus.unknown': {
    retry: 'later', http: 503, exit: 75,
    about: 'No answer came: the messages may or may not be stored.',
    say: (d: { subject: string; waitedMs: number }) =>
      `No acknowledgement for ${d.subject} came within ${d.waitedMs} ms: it may or may not be stored. Send again with the same ids; a stored copy is recognised.`,
  },
  'bus.fenced': {
    retry: 'never', http: 409, exit: 70,
    about: 'The subject has moved on: somebody else wrote to it since.',
    say: (d: { subject: string }) => `Another writer has written to ${d.subject} since it was read. Nothing was stored. Read it again and decide anew.`,
  },
  'bus.closed': {
    retry: 'never', http: 503, exit: 69,
    about: 'The bus was closed by its owner.',
    say: (d: { what: string }) => `${d.what} was asked of a bus that is closed. Nothing was stored.`,
  },
  'bus.unsupported': {
    retry: 'never', http: 500, exit: 78,
    about: 'A component needs a guarantee that the configured bus does not give.',
    say: (d: { component: string; guarantee: string; bus: string }) =>
      `${d.component} needs ${d.guarantee}, which the ${d.bus} bus does not give. Tocsin did not start it. Configure another bus or leave the component out.`,
  },
  'bus.bad_position': {
    retry: 'never', http: 400, exit: 65,
    about: 'A position is malformed, or belongs to another stream or an earlier generation of this one.',
    say: (d: { position: string; reason: string }) => `Position ${d.position} cannot be read: ${d.reason}. Start from a time or from the first message.`,
  },
  'bus.bad_frame': {
    retry: 'never', http: 500, exit: 65,
    about: 'Bytes that should be a frame are not: wrong magic, version, length or checksum.',
    say: (d: { reason: string; bytes: number }) => `A frame of ${d.bytes} bytes cannot be read: ${d.reason}. It was set aside unread.`,
  },
  'bus.bad_name': {
    retry: 'never', http: 400, exit: 64,
    about: 'A tenant or source name cannot be part of a subject.',
    say: (d: { name: string; reason: string }) => `Name ${d.name} cannot be used: ${d.reason}.`,
  },
  'bus.bad_subject': {
    retry: 'never', http: 500, exit: 70,
    about: 'A subject or subject filter is malformed.',
    say: (d: { subject: string; reason: string }) => `Subject ${d.subject} cannot be used: ${d.reason}. Nothing was sent. Build subjects from encoded tokens.`,
  },
  'bus.bad_commit': {
    retry: 'never', http: 500, exit: 70,
    about: 'Messages were given to one commit that cannot be one: too many, of several streams, or two with one id.',
    say: (d: { reason: string }) => `A commit cannot be made: ${d.reason}. Nothing was stored. Split it into several commits.`,
  },
  'bus.no_stream': {
    retry: 'never', http: 500, exit: 78,
    about: 'No stream takes a subject, or no bucket has a name: the topology does not declare it.',
    say: (d: { what: string }) => `There is no stream or bucket for ${d.what}. Nothing was done. Declare it in the topology and apply that first.`,
  },
  'bus.bad_request': {
    retry: 'never', http: 500, exit: 70,
    about: 'An argument given to the bus is outside its range: a limit, a wait, a header, an id or a key.',
    say: (d: { what: string; reason: string }) => `The bus was given ${d.what} and ${d.reason}. Nothing was done. Correct the caller.`,
  },
  'bus.forbidden': {
    retry: 'never', http: 403, exit: 77,
    about: 'The key that a duty shows to the bus does not allow what it tried.',
    say: (d: { subject: string; name: string }) => `${d.name} may not use ${d.subject}. Nothing was stored or done. Use the key of the duty that owns this subject.`,
  },
  'bus.nobody_answers': {
    retry: 'later', http: 503, exit: 69,
    about: 'A question was asked on the bus and nobody is there to answer it.',
    say: (d: { subject: string }) => `Nobody answers ${d.subject}. Nothing was done. Start the process that should, then ask again.`,
  },
  'bus.unanswered': {
    retry: 'later', http: 504, exit: 75,
    about: 'A question was sent and no answer came: not in time, or the connection went first.',
    say: (d: { subject: string; waitedMs: number }) =>
      `No answer to ${d.subject} came within ${d.waitedMs} ms. What was asked may or may not have been done. Ask again if that does no harm.`,
  },
  'bus.answer_failed': {
    retry: 'never', http: 502, exit: 70,
    about: 'Whoever was asked could not answer, and says why.',
    say: (d: { subject: string; code: string | undefined; reason: string }) =>
      `Whoever answers ${d.subject} has no answer${d.code === undefined ? '' : ` (${d.code})`}: ${d.reason}`,
  },
  'bus.busy': {
    retry: 'later', http: 503, exit: 75,
    about: 'As many questions are under way as are taken at once.',
    say: (d: { what: string }) => `As many questions are under way as ${d.what} takes at once. This one was not asked. Ask again in a moment.`,
  },
} satisfies ErrorTable;
