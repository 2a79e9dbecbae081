/** Error rows of the area `catchup.*`: judging again what rules have missed. */
import type { ErrorTable } from './error-row.ts';

export const catchupErrors = {
  'catchup.not_in_force': {
    retry: 'never', http: 409, exit: 65,
    about: 'A rule that is to be caught up does not judge anything at present.',
    say: (d: { rule: string; why: string }) =>
      `Rule ${d.rule} is not in force: ${d.why}. Nothing was judged again. Put it in force first, then catch up what it has missed.`,
  },
  'catchup.too_many': {
    retry: 'later', http: 429, exit: 75,
    about: 'More catch-ups wait than are remembered.',
    say: (d: { most: number }) => `${d.most} catch-ups wait or run already. This one was not begun. Ask again when one of them is done: tocsin catch-up list`,
  },
  'catchup.failed': {
    retry: 'never', http: 500, exit: 70,
    about: 'A catch-up could not be finished.',
    say: (d: { id: string; reason: string }) =>
      `Catch-up ${d.id} has stopped: ${d.reason}. Folds go on as before, and what it has judged is not lost: ask for the same once more and it is done again from the log.`,
  },
  'catchup.not_folded': {
    retry: 'later', http: 503, exit: 75,
    about: 'A catch-up has said that it is done, and the folds or projections have not come that far yet.',
    say: (d: { id: string; withinMs: number }) =>
      `Folds and projections have not reached the end of catch-up ${d.id} within ${d.withinMs} ms. Alerts that it makes void are not marked yet; Tocsin tries it again. If it lasts, see what they wait for: tocsin status`,
  },
  'catchup.states_gone': {
    retry: 'never', http: 500, exit: 70,
    about: 'The log says that a catch-up was done, and the states that it left are no longer kept.',
    say: (d: { id: string }) =>
      `The states of catch-up ${d.id} are no longer kept. The folds go on with their own; alerts that it has written stay. A window that is open now may miss what the catch-up knew: catch up its rule once more.`,
  },
} satisfies ErrorTable;
