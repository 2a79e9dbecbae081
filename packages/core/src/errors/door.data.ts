/** Error rows of the area `door.*`: events that foreign producers publish on the bus. */
import type { ErrorTable } from './error-row.ts';

export const doorErrors = {
  'door.no_source': {
    retry: 'never', http: 404, exit: 65,
    about: 'A message waits for ingest under a subject of no registered source, or of one that was revoked.',
    say: (d: { subject: string }) =>
      `${d.subject} is the subject of no registered source. The message became a dead letter. Register the source, then redrive it with: tocsin dead-letters redrive`,
  },
  'door.bus_of_others': {
    retry: 'never', http: 409, exit: 78,
    about: 'A NATS key was asked for, and the bus is run by others.',
    say: (d: { subject: string }) =>
      `The bus is run by others, so Tocsin can let nobody in. Nothing was made. Let its operator give the producer the right to publish ${d.subject}, and no other.`,
  },
  'door.too_many_planned': {
    retry: 'later', http: 429, exit: 75,
    about: 'A tenant has as many events planned as may wait.',
    say: (d: { most: number }) =>
      `${d.most} events wait for their time already, which is as many as a tenant may have. This one was not kept. Call some off with tocsin plans cancel, or plan it once others have gone.`,
  },
  'door.bad_key': {
    retry: 'never', http: 400, exit: 64,
    about: 'What was given as the public key of a NATS user is none.',
    say: (d: { given: string }) => `${d.given} is no public key of a NATS user. Nothing was made. Give the key that begins with U, or none to have one made.`,
  },
} satisfies ErrorTable;
