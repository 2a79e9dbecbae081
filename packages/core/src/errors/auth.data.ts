/** Error rows of the area `auth.*`. */
import type { ErrorTable } from './error-row.ts';

export const authErrors = {
  'auth.missing': {
    retry: 'never', http: 401, exit: 77,
    about: 'A request carries no credential.',
    say: (_: object) => 'The request carries no credential. Nothing was done. Send it with the header "Authorization: Bearer TOKEN".',
  },
  'auth.refused': {
    retry: 'never', http: 401, exit: 77,
    about: 'The credential is unknown, revoked or expired.',
    say: (d: { reason: string }) => `The credential was refused: ${d.reason}. Nothing was done. Producers get theirs with tocsin sources add or rotate, people with tocsin people add; the operator's is kept in the data folder, in tokens/operator.token.`,
  },
  'auth.bad_signature': {
    retry: 'never', http: 401, exit: 77,
    about: 'A webhook is signed with another secret than the settings name, too long ago, or not at all.',
    say: (d: { reason: string }) => `The signature or secret of the webhook was refused: ${d.reason}. Nothing was stored. Compare the secret that the sender signs with and the one that tocsin.yml names for this webhook, and both clocks.`,
  },
  'auth.forbidden': {
    retry: 'never', http: 403, exit: 77,
    about: 'The credential is good, but none of its roles grants the act.',
    say: (d: { actor: string; action: string }) =>
      `${d.actor} may not do ${d.action}. Nothing was done, and the attempt is on the audit trail. Ask an administrator for the role that grants it.`,
  },
  'auth.audit_failed': {
    retry: 'later', http: 503, exit: 75,
    about: 'The audit record of a privileged act could not be written in time.',
    say: (d: { action: string; resource: string; phase: string }) =>
      d.phase === 'outcome'
        ? `${d.action} on ${d.resource} was done, but its outcome could not be written to the audit trail. Look at the bus with: tocsin status.`
        : `${d.action} on ${d.resource} was not done: the audit trail cannot be written. Look at the bus with: tocsin status, then try again.`,
  },
} satisfies ErrorTable;
