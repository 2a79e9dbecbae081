/** Error rows of the area `auth.*`. */
import type { ErrorTable } from './error-row.ts';

export const authErrors = {
  'auth.missing': {
    retry: 'never', http: 401, exit: 77,
    about: 'A request came without a credential.',
    say: (d: { what: string }) => `${d.what} needs a credential and none was given. Nothing was read. Send the header Authorization: Bearer <credential>.`,
  },
  'auth.refused': {
    retry: 'never', http: 401, exit: 77,
    about: 'The credential is unknown, revoked or expired.',
    say: (d: { what: string }) => `The credential given for ${d.what} is unknown, revoked or expired. Nothing was read. Ask the operator for a new one.`,
  },
  'auth.forbidden': {
    retry: 'never', http: 403, exit: 77,
    about: 'The credential is valid but does not allow this.',
    say: (d: { what: string }) => `The credential given does not allow ${d.what}. Nothing was done. Use a credential that was made for it.`,
  },
} satisfies ErrorTable;
