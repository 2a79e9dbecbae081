/**
 * The independent check: reads both streams over a raw connection with direct get and its own decoder; shares no code with writer or owner.
 */

import { zstdDecompressSync } from 'node:zlib';
import { connect, type NatsConnection } from '@nats-io/transport-node';

/** What the log holds. */
export type Readings = {
  /** `tenant/source/id`, once each, in the log's order. */
  readonly events: Set<string>;
  /** Copies beyond the first: transport duplicates that the dedup fold drops. */
  readonly repeats: number;
  /** Events whose tenant isn't the subject's. */
  readonly foreign: number;
  /** Alert bodies by subject; a subject with two messages is in `alertsTwice`. */
  readonly alerts: Map<string, string>;
  readonly alertsTwice: string[];
  /** Last sequence per partition, and the position its owner has recorded. */
  readonly lag: number;
};

/** Reads everything. Run it when writers and readers are quiet. */
export async function readBack(url: string): Promise<Readings> {
  const connection = await connect({ servers: url });
  const events = new Set<string>();
  const lastByPartition = new Map<string, number>();
  let repeats = 0;
  let foreign = 0;
  for await (const { subject, sequence, data } of readAll(connection, 'EVENTS_LIVE')) {
    const [, , , partition = '', tenant = ''] = subject.split('.');
    lastByPartition.set(partition, sequence);
    for (const line of text(data)) {
      const event = JSON.parse(line) as Record<string, string>;
      const key = `${event['tenant']}/${event['source']}/${event['id']}`;
      if (event['tenant'] !== tenant) foreign++;
      if (events.has(key)) repeats++;
      events.add(key);
    }
  }
  const alerts = new Map<string, string>();
  const alertsTwice: string[] = [];
  const positions = new Map<string, number>();
  for await (const { subject, data } of readAll(connection, 'ALERTS')) {
    const body = Buffer.from(data).toString('utf8');
    if (subject.startsWith('tocsin.checkpoint.')) {
      positions.set(subject.slice('tocsin.checkpoint.'.length), (JSON.parse(body) as { position: number }).position);
      continue;
    }
    if (alerts.has(subject)) alertsTwice.push(subject);
    alerts.set(subject, body);
  }
  await connection.close();
  const lag = [...lastByPartition].reduce((sum, [partition, last]) => sum + last - (positions.get(partition) ?? 0), 0);
  return { events, repeats, foreign, alerts, alertsTwice, lag };
}

/** Resolves once the recorded position of every partition is its last sequence. @throws after `deadlineMs` without that. */
export async function waitCaughtUp(url: string, deadlineMs: number): Promise<void> {
  const connection = await connect({ servers: url });
  const until = Date.now() + deadlineMs;
  for (let lag = await readLag(connection); lag > 0; lag = await readLag(connection)) {
    if (Date.now() > until) throw new Error(`owners are ${lag} sequences behind after ${deadlineMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50)); // polling interval of an observable condition
  }
  await connection.close();
}

async function readLag(connection: NatsConnection): Promise<number> {
  let lag = 0;
  for (let partition = 0; partition < 4; partition++) {
    const last = await lastOf(connection, 'EVENTS_LIVE', { subject: `tocsin.events.live.${partition}.>` });
    const recorded = await lastOf(connection, 'ALERTS', { subject: `tocsin.checkpoint.${partition}` });
    const position = recorded === undefined ? 0 : (JSON.parse(recorded.body) as { position: number }).position;
    lag += Math.max(0, (last?.sequence ?? 0) - position);
  }
  return lag;
}

async function lastOf(
  connection: NatsConnection,
  stream: string,
  { subject }: { subject: string },
): Promise<{ sequence: number; body: string } | undefined> {
  const answer = await connection.request(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify({ last_by_subj: subject }));
  if (answer.headers?.code === 404) return undefined;
  return { sequence: Number(answer.headers?.get('Nats-Sequence')), body: Buffer.from(answer.data).toString('utf8') };
}

type Raw = { readonly subject: string; readonly sequence: number; readonly data: Uint8Array };

/** Batched direct gets; each ends with an empty 204. */
async function* readAll(connection: NatsConnection, stream: string): AsyncGenerator<Raw> {
  let next = 1;
  for (let got = 1; got > 0; ) {
    got = 0;
    const inbox = `_INBOX.verify.${stream}.${next}`;
    const subscription = connection.subscribe(inbox);
    connection.publish(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify({ seq: next, batch: 200, max_bytes: 8_000_000 }), { reply: inbox });
    for await (const message of subscription) {
      const status = message.headers?.code ?? 0;
      if (status >= 200) break;
      got++;
      const sequence = Number(message.headers?.get('Nats-Sequence'));
      next = sequence + 1;
      yield { subject: message.headers?.get('Nats-Subject') ?? '', sequence, data: message.data };
    }
    subscription.unsubscribe();
  }
}

function text(frame: Uint8Array): string[] {
  const rest = frame.slice(1);
  return (frame[0] === 1 ? zstdDecompressSync(rest).toString() : Buffer.from(rest).toString()).split('\n');
}
