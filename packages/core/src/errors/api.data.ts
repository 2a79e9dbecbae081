/** Error rows of the area `api.*`: what the HTTP API answers beyond the errors of other areas. */
import type { ErrorTable } from './error-row.ts';

export const apiErrors = {
  'api.not_found': {
    retry: 'never', http: 404, exit: 66,
    about: 'There is no such thing, or it belongs to another tenant.',
    say: (d: { what: string; id: string }) => `There is no ${d.what} ${d.id}. Nothing was done. What there is, the list says: tocsin sources, people, alerts, rules, dead-letters, replay or quotas.`,
  },
  'api.bad_method': {
    retry: 'never', http: 405, exit: 64,
    about: 'A path of the API is asked with a method that it does not know.',
    say: (d: { method: string; path: string; allow: readonly string[] }) => `${d.path} does not know ${d.method}. Nothing was done. Use ${d.allow.join(' or ')}.`,
  },
  'api.conflict': {
    retry: 'later', http: 409, exit: 75,
    about: 'The thing was changed by somebody else meanwhile.',
    say: (d: { what: string; id: string }) => `${d.what} ${d.id} was changed by somebody else meanwhile. Nothing was done. Look at it again, then repeat the command.`,
  },
  'api.exists': {
    retry: 'never', http: 409, exit: 65,
    about: 'A thing of that name exists already.',
    say: (d: { what: string; id: string }) => `There is a ${d.what} ${d.id} already. Nothing was changed. Choose another name, or revoke it first.`,
  },
  'api.bad_request': {
    retry: 'never', http: 400, exit: 64,
    about: 'A request does not fit its description in the API document.',
    say: (d: { reason: string }) => `The request was not understood: ${d.reason}. Nothing was done. See /api/v1/openapi.json for what is expected.`,
  },
  'api.too_large': {
    retry: 'never', http: 413, exit: 65,
    about: 'The body of an API request is larger than the server reads.',
    say: (d: { maxBytes: number }) => `The request's body is larger than ${d.maxBytes} bytes. Nothing was done. Send it in smaller parts.`,
  },
  'api.media_type': {
    retry: 'never', http: 415, exit: 64,
    about: 'The body of an API request is of a media type the route does not read.',
    say: (_: object) => 'The request has a body of a media type that this route does not read. Nothing was done. Send application/json.',
  },
  'api.unreachable': {
    retry: 'later', http: 503, exit: 69,
    about: 'The command line finds no Tocsin at the address it was given.',
    say: (d: { url: string; reason: string }) => `No Tocsin answers at ${d.url} (${d.reason}). Nothing was sent. Start one with: tocsin up`,
  },
  'api.too_many_followers': {
    retry: 'later', http: 429, exit: 75,
    about: 'A tenant follows events, alerts or matches over as many connections as it may.',
    say: (d: { max: number }) =>
      `Your tenant follows over ${d.max} connections already, which is as many as it may. This one was not opened. End another, then try again.`,
  },
  'api.duty_down': {
    retry: 'later', http: 503, exit: 75,
    about: 'A part of Tocsin that was needed for the answer has ended and is being started again.',
    say: (d: { duty: string }) =>
      `The duty ${d.duty} has ended and is being started again. The request was not answered by it. Try again in a few seconds; if it lasts, see: tocsin status`,
  },
  'api.internal': {
    retry: 'later', http: 500, exit: 70,
    about: 'Something went wrong inside Tocsin that has no code of its own.',
    say: (d: { reason: string }) => `Something went wrong inside Tocsin: ${d.reason}. See its log for the details.`,
  },
} satisfies ErrorTable;
