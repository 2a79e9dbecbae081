/**
 * Commits messages as one JetStream atomic batch over the raw connection: own ack inbox, no js.publish, several batches may be in flight.
 * Wire facts and error codes: docs/decisions/0001-atomic-batches.md. Not here: what goes into a batch and what to do when the outcome is unknown.
 */
import { headers, type NatsConnection } from '@nats-io/transport-node';

/** One message of a batch. */
export type BatchMessage = {
  readonly subject: string;
  /** Deterministic id for the server's dedup window. */
  readonly id: string;
  readonly body: Uint8Array;
  /** Last sequence of the subject that must hold, 0 = none yet; only on the first message of a subject in the batch. */
  readonly expectedLast?: number;
};

/**
 * `stored`: durable, `lastSequence` is the last message's. `duplicate`: an id was stored before, nothing new was.
 * `conflict`: an expectation failed, nothing stored. `refused`: nothing stored. `unknown`: resend the same batch.
 */
export type BatchOutcome =
  | { readonly kind: 'stored'; readonly lastSequence: number }
  | { readonly kind: 'duplicate' | 'conflict' | 'unknown' }
  | { readonly kind: 'refused'; readonly code: number; readonly text: string };

/** Publishes batches of up to 1000 messages (server limit). */
export interface BatchPublisher {
  /** Resolves when the server answered the commit, or after `timeoutMs` with `unknown`. Never rejects. */
  commit(messages: readonly BatchMessage[]): Promise<BatchOutcome>;
  /** Settles everything in flight as `unknown`: call it when the connection broke. */
  interrupt(): void;
}

type PubAck = {
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly err_code: number; readonly description: string };
};

const duplicateId = 10201;
const wrongLastSequence = [10071, 10164];

/** Opens the ack inbox on `connection`. `name` must be unique per process start: batch ids begin with it. */
export function createBatchPublisher(connection: NatsConnection, name: string, timeoutMs = 1000): BatchPublisher {
  const inbox = `_INBOX.${name}`;
  const waiting = new Map<string, (outcome: BatchOutcome) => void>();
  let counter = 0;
  connection.subscribe(`${inbox}.*`, {
    callback: (error, message) => {
      if (error !== null) return; // the inbox was refused (permissions): commits end as `unknown` at their timeout
      const outcome = parseOutcome(message.data, message.headers?.code ?? 0);
      if (outcome !== undefined) waiting.get(message.subject.slice(inbox.length + 1))?.(outcome);
    },
  });
  return {
    commit(messages) {
      const token = String(++counter);
      return new Promise((resolve) => {
        const timer = setTimeout(() => settle({ kind: 'unknown' }), timeoutMs);
        const settle = (outcome: BatchOutcome): void => {
          clearTimeout(timer);
          waiting.delete(token);
          resolve(outcome);
        };
        waiting.set(token, settle);
        try {
          send(connection, `${name}-${token}`, `${inbox}.${token}`, messages);
        } catch {
          settle({ kind: 'unknown' }); // the connection is closing; what was sent may or may not be stored
        }
      });
    },
    interrupt() {
      for (const settle of waiting.values()) settle({ kind: 'unknown' });
    },
  };
}

/** A single message goes as a plain publish: one fsync instead of six durable writes (docs/decisions/0001). The first message of a batch carries a reply too: its answer names the cause where the commit would only say "incomplete". */
function send(connection: NatsConnection, batchId: string, reply: string, messages: readonly BatchMessage[]): void {
  messages.forEach((message, index) => {
    const isLast = index === messages.length - 1;
    const fields = headers();
    if (messages.length > 1) {
      fields.set('Nats-Batch-Id', batchId);
      fields.set('Nats-Batch-Sequence', String(index + 1));
      if (isLast) fields.set('Nats-Batch-Commit', '1');
    }
    fields.set('Nats-Msg-Id', message.id);
    if (message.expectedLast !== undefined) fields.set('Nats-Expected-Last-Subject-Sequence', String(message.expectedLast));
    connection.publish(message.subject, message.body, index === 0 || isLast ? { headers: fields, reply } : { headers: fields });
  });
}

/** Undefined for the empty "staged" answer to the first message. */
function parseOutcome(data: Uint8Array, status: number): BatchOutcome | undefined {
  if (status === 503) return { kind: 'unknown' }; // no responders: JetStream is not up yet, an earlier attempt may be stored
  if (data.length === 0) return undefined;
  const ack = JSON.parse(new TextDecoder().decode(data)) as PubAck;
  if (ack.duplicate === true) return { kind: 'duplicate' };
  if (ack.error === undefined) return { kind: 'stored', lastSequence: ack.seq ?? 0 };
  const { err_code: code, description: text } = ack.error;
  if (code === duplicateId) return { kind: 'duplicate' };
  if (wrongLastSequence.includes(code)) return { kind: 'conflict' };
  return { kind: 'refused', code, text };
}
