/** Error rows of the area `store.*`: what is kept and read back. */
import type { ErrorTable } from './error-row.ts';

export const storeErrors = {
  'store.rule_set_missing': {
    retry: 'later', http: 500, exit: 70,
    about: 'A step on MATCHES names a rule set that is not in the bucket of rule sets.',
    say: (d: { hash: string }) =>
      `The rule set ${d.hash} that judged some events is not kept any more. Correlation waits before them and nothing is skipped; matching goes on. Restore the bucket rule-sets from a backup, or start with an empty data folder.`,
  },
  'store.value_damaged': {
    retry: 'never', http: 500, exit: 70,
    about: 'A value that was kept in parts, such as a checkpoint, cannot be put together again.',
    say: (d: { name: string; reason: string }) =>
      `The kept value ${d.name} cannot be read back: ${d.reason}. Nothing was taken from it. Restore its bucket from a backup, or start with an empty data folder.`,
  },
  'store.rebuilding': {
    retry: 'later', http: 503, exit: 75,
    about: 'The projections were removed because an operator asked for it or a file of theirs is damaged, and their thread starts anew.',
    say: (d: { why: 'asked' | 'damaged' }) =>
      `The alert table and the frame catalogue were removed because ${d.why === 'asked' ? 'an operator asked for it' : 'a file of theirs is damaged'}. They are built anew from the log. Until then lists of alerts are incomplete.`,
  },
} satisfies ErrorTable;
