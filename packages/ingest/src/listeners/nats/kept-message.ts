/**
 * What is kept of a message of which events were refused: those events alone, since the others are stored and would be stored once more from
 * a redrive. What a source conceals is kept nowhere, here neither: refused events were not read, so nothing could be concealed in them.
 */
import type { Refusal, Source } from '../../source.ts';
import { piecesOfMessage } from './message-records.ts';

/** An event of a message that was not taken. */
export interface RefusedEvent extends Refusal {
  /** Its place in the message. */
  readonly index: number;
  readonly id: string | undefined;
}

/** A message as it may be kept: what was refused of it, in the form in which it came, and why. */
export interface KeptMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly refused: readonly RefusedEvent[];
}

/** What was refused of a message. */
export interface RefusedParts {
  readonly refused: readonly RefusedEvent[];
  /** Places of the records that the refused events came in; absent where the message as a whole was refused. */
  readonly records?: ReadonlySet<number> | undefined;
  /** Whether its source conceals anything. */
  readonly conceals: boolean;
}

/** Said with each reason where no bytes are kept. */
const NOT_KEPT = 'Its bytes were not kept, since its source conceals fields or secrets; the producer has to send it again.';

/** The part of a message that is kept. */
export function keptOf(message: Pick<KeptMessage, 'headers' | 'body'>, { refused, records, conceals }: RefusedParts): KeptMessage {
  const { headers, body } = message;
  // Headers of binary mode hold the event's attributes, and its id may be one of the fields.
  if (conceals)
    return {
      headers: {},
      body: new Uint8Array(0),
      refused: refused.map((event) => ({ ...event, id: undefined, reason: `${event.reason} ${NOT_KEPT}` })),
    };
  const pieces = piecesOfMessage(headers, body);
  if (records === undefined || records.size >= pieces.length) return { headers, body, refused };
  const [open, comma, close] = ['[', ',', ']'].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer];
  const parts = pieces.filter((_, i) => records.has(i)).flatMap((piece, i) => (i === 0 ? [piece] : [comma, piece]));
  return { headers, body: Buffer.concat([open, ...parts, close]), refused };
}

/** Whether a source conceals anything. */
export function concealsAny({ privacy }: Pick<Source, 'privacy'>): boolean {
  return privacy?.conceals === true;
}
