/** Error rows of the area `effect.*`: what goes wrong where alerts leave Tocsin. */
import type { ErrorTable } from './error-row.ts';

export const effectErrors = {
  'effect.unavailable': {
    retry: 'later', http: 502, exit: 75,
    about: 'The other side of an effect does not answer, answers too late, or says that it cannot now.',
    say: (d: { consumer: string; reason: string; retryAfterMs?: number | undefined }) =>
      `${d.consumer} could not deliver: ${d.reason}. It tries again, with growing pauses. See that the other side runs and can be reached.`,
  },
  'effect.refused': {
    retry: 'never', http: 502, exit: 65,
    about: 'The other side of an effect says that it will never take it.',
    say: (d: { consumer: string; reason: string }) =>
      `${d.consumer} could not deliver: ${d.reason}. It is not tried again and is a dead letter. Correct the settings or the other side, then: tocsin dead-letters redrive --all --consumer ${d.consumer}`,
  },
  'effect.forbidden_address': {
    retry: 'never', http: 403, exit: 78,
    about: 'An address that Tocsin is to connect to is private, or no address that it connects to.',
    say: (d: { url: string }) =>
      `${d.url} is not connected to: it is no public http or https address. Nothing was sent. Where it is your own, allow it: allowPrivate: true.`,
  },
} satisfies ErrorTable;
