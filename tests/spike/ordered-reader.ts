/**
 * Reads a filtered stream in order from a position, without acks: an ephemeral push consumer with flow control and heartbeats.
 * Ends (never throws in the middle) on a gap, on silence or on a closed subscription; the caller starts again from its own position.
 */
import { createInbox, type Msg, type NatsConnection } from '@nats-io/transport-node';

/** What is read and from where; `from` is a stream sequence. `inboxPrefix` is the one the credential may subscribe to (default `_INBOX`). */
export type ReadOptions = { readonly stream: string; readonly filter: string; readonly from: number; readonly inboxPrefix?: string };
/** One stored message. `sequence` is the stream's. */
export type ReadMessage = { readonly subject: string; readonly sequence: number; readonly body: Uint8Array };

const heartbeatMs = 500;

/** Yields messages in order, and `"idle"` at each heartbeat so that the caller can do timed work. */
export async function* readOrdered(connection: NatsConnection, options: ReadOptions): AsyncGenerator<ReadMessage | 'idle'> {
  const inbox = createInbox(options.inboxPrefix);
  const subscription = connection.subscribe(inbox);
  const silence = watchSilence(() => subscription.unsubscribe());
  try {
    await createConsumer(connection, inbox, options);
    let expected = 0;
    for await (const message of subscription) {
      silence.touch();
      const isHeartbeat = message.headers?.code === 100;
      if (isHeartbeat && !answerHeartbeat(message, expected)) break;
      if (isHeartbeat) {
        yield 'idle';
        continue;
      }
      const { consumerSequence, streamSequence } = parseAckSubject(message);
      if (consumerSequence !== ++expected) break;
      yield { subject: message.subject, sequence: streamSequence, body: message.data };
    }
  } finally {
    silence.stop();
    subscription.unsubscribe();
  }
}

/** Lets the server go on where it asks; false where a heartbeat says that messages were missed. */
function answerHeartbeat(message: Msg, expected: number): boolean {
  if (message.reply !== undefined && message.reply !== '') return message.respond();
  return Number(message.headers?.get('Nats-Last-Consumer')) === expected;
}

async function createConsumer(connection: NatsConnection, inbox: string, options: ReadOptions): Promise<void> {
  const config = {
    deliver_subject: inbox,
    deliver_policy: 'by_start_sequence',
    opt_start_seq: options.from,
    filter_subject: options.filter,
    ack_policy: 'none',
    flow_control: true,
    idle_heartbeat: heartbeatMs * 1_000_000,
    inactive_threshold: 5_000_000_000,
    mem_storage: true,
    num_replicas: 1,
  };
  const request = JSON.stringify({ stream_name: options.stream, config });
  const answer = await connection.request(`$JS.API.CONSUMER.CREATE.${options.stream}`, request, { timeout: 1000 });
  const { error } = answer.json<{ error?: { description: string } }>();
  if (error !== undefined) throw new Error(`consumer on ${options.stream}: ${error.description}`);
}

/** `$JS.ACK[.<domain>.<account>].<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>[.<token>]`: 9, or 11 and more tokens. */
function parseAckSubject(message: Msg): { streamSequence: number; consumerSequence: number } {
  const tokens = (message.reply ?? '').split('.');
  const at = tokens.length === 9 ? 5 : 7;
  return { streamSequence: Number(tokens[at]), consumerSequence: Number(tokens[at + 1]) };
}

function watchSilence(onSilence: () => void): { touch(): void; stop(): void } {
  let timer = setTimeout(onSilence, heartbeatMs * 4);
  return {
    touch() {
      clearTimeout(timer);
      timer = setTimeout(onSilence, heartbeatMs * 4);
    },
    stop: () => clearTimeout(timer),
  };
}
