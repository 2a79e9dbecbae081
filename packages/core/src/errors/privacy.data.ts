/** Error rows of the area `privacy.*`: what keeps a record, or a policy, from being taken. */
import type { ErrorTable } from './error-row.ts';

export const privacyErrors = {
  'privacy.no_key': {
    retry: 'never', http: 400, exit: 78,
    about: 'A policy hashes or tokenises fields and the installation has no key for it, or one of fewer than 16 characters.',
    say: (d: { source: string }) =>
      `The policy of source ${d.source} hashes or tokenises fields, and there is no key of at least 16 characters. Nothing was done. Set sources.privacyKey in the settings, such as env:TOCSIN_PRIVACY_KEY, and start again.`,
  },
  'privacy.not_applied': {
    retry: 'never', http: 400, exit: 65,
    about: 'A record holds a field that its source conceals, in a form in which it could not be replaced.',
    say: (d: { reason: string }) => `The record was not stored: ${d.reason}. Send it in a format whose fields have names, or change the source's policy.`,
  },
} satisfies ErrorTable;
