/** Error rows of the area `deadletter.*`: what could not be handled, and what people do with it. */
import type { ErrorTable } from './error-row.ts';

export const deadletterErrors = {
  'deadletter.settled': {
    retry: 'never', http: 409, exit: 65,
    about: 'A dead letter was to be edited, redriven or discarded that has been redriven or discarded already.',
    say: (d: { id: string; state: string }) => `Dead letter ${d.id} is ${d.state} already. Nothing was done. List those that wait with: tocsin dead-letters`,
  },
  'deadletter.no_redrive': {
    retry: 'never', http: 409, exit: 65,
    about: 'A dead letter was to be redriven whose consumer takes nothing twice.',
    say: (d: { id: string; consumer: string }) =>
      `Dead letter ${d.id} is of ${d.consumer}, which reads the log and nothing else. Nothing was done. Look at what it holds; where it is of no use, discard it.`,
  },
  'deadletter.bad_edit': {
    retry: 'never', http: 422, exit: 65,
    about: 'The new content of a dead letter cannot stand in the place of the old one.',
    say: (d: { id: string; reason: string }) => `Dead letter ${d.id} was not edited: ${d.reason}. Its content is as it was. Correct the new content and try again.`,
  },
  'deadletter.unreadable': {
    retry: 'never', http: 500, exit: 65,
    about: 'A message among the dead letters does not say what it is.',
    say: (d: { subject: string; reason: string }) => `A message on ${d.subject} is no dead letter: ${d.reason}. It was passed over and stays where it is until its age takes it.`,
  },
  'deadletter.judged_nothing': {
    retry: 'never', http: 422, exit: 65,
    about: 'A redriven dead letter holds nothing that its consumer could read.',
    say: (d: { id: string; consumer: string; reason: string }) =>
      `Dead letter ${d.id} was redriven and ${d.consumer} could not read it: ${d.reason}. It waits among the dead letters again. Edit it, or discard it with a reason.`,
  },
} satisfies ErrorTable;
