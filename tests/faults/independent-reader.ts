/**
 * Ground truth: what the log of a running installation really holds, read over a raw NATS connection with the read credential of the
 * data folder and the decoder beside this file. Nothing here imports a package of Tocsin.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import { type BusAccess, embeddedAccess } from './bus-access.ts';
import { decodeFrame } from './frame-decoder.ts';
import { FOREIGN_TENANT } from './planted-events.ts';

/** An event as it stands in the log, copies included, in the log's order. */
export type LoggedEvent = { readonly source: string; readonly id: string; readonly record: string };

/** One message on ALERTS: an alert after a change. */
export type LoggedAlert = {
  readonly tenant: string;
  readonly id: string;
  readonly ruleId: string;
  readonly user: string;
  readonly count: number;
  readonly foldRevision: number;
};

/** Everything read. */
export type LogContent = {
  readonly events: readonly LoggedEvent[];
  readonly alerts: readonly LoggedAlert[];
  /** Frames that break a rule of the page: tenant or partition other than the subject's, undecodable bytes; one text each. */
  readonly damage: readonly string[];
  /** Frames planted on another tenant's subject, less those that were dead-lettered for it. */
  readonly foreign: number;
};

type AlertBody = {
  readonly id: string;
  readonly rule: { readonly id: string };
  readonly groupBy: Readonly<Record<string, string>>;
  readonly count: number;
  readonly foldRevision: number;
};

/** Reads EVENTS_LIVE and ALERTS from their first message, of a data folder or over a way to its bus. The installation must be up and settled. */
export async function readInstallation(of: string | BusAccess): Promise<LogContent> {
  const connection = await (typeof of === 'string' ? embeddedAccess(of) : of).connect('api');
  try {
    const damage: string[] = [];
    let foreign = 0;
    const events: LoggedEvent[] = [];
    for await (const { subject, sequence, data } of readStream(connection, 'EVENTS_LIVE')) {
      if (subject.endsWith(`.${FOREIGN_TENANT}`)) {
        foreign++;
        continue;
      }
      try {
        events.push(...eventsOf(subject, data));
      } catch (error) {
        damage.push(`EVENTS_LIVE ${sequence}: ${String(error)}`);
      }
    }
    const alerts: LoggedAlert[] = [];
    for await (const { subject, data } of readStream(connection, 'ALERTS')) alerts.push(alertOf(subject, data));
    for await (const { subject } of readStream(connection, 'DEADLETTER')) if (subject.split('.')[2] === FOREIGN_TENANT) foreign--;
    return { events, alerts, damage, foreign };
  } finally {
    await connection.close();
  }
}

function eventsOf(subject: string, data: Buffer): LoggedEvent[] {
  const frame = decodeFrame(data);
  const [, , lane, partition, tenant] = subject.split('.');
  if (frame.tenant !== tenant || frame.lane !== lane || String(frame.partition) !== partition) {
    throw new Error(`on ${subject}, of ${frame.lane}.${frame.partition}.${frame.tenant}`);
  }
  return frame.events.map(({ source, id, record, isProducerId }) => {
    if (!isProducerId) throw new Error(`event ${id} is not marked as identified by its producer`);
    return { source, id, record: Buffer.from(record).toString('utf8') };
  });
}

function alertOf(subject: string, data: Buffer): LoggedAlert {
  const { id, rule, groupBy, count, foldRevision } = JSON.parse(data.toString('utf8')) as AlertBody;
  return { tenant: subject.split('.')[2] ?? '', id, ruleId: rule.id, user: Object.values(groupBy).join(' '), count, foldRevision };
}

type Raw = { readonly subject: string; readonly sequence: number; readonly data: Buffer };

const END_OF_BATCH = 204;
const BATCH = 200;

/** Every message of a stream, over batched direct gets; each ends with a status. @throws when one breaks off */
export async function* readStream(connection: NatsConnection, stream: string): AsyncGenerator<Raw> {
  for (let next = 1, got = BATCH; got > 0; ) {
    got = 0;
    const reply = `_INBOX_api.reader.${stream}.${next}`;
    const subscription = connection.subscribe(reply, { timeout: 10_000 });
    connection.publish(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify({ seq: next, batch: BATCH, max_bytes: 8_000_000 }), { reply });
    for await (const message of subscription) {
      const status = message.headers?.code ?? 0;
      if (status === END_OF_BATCH || status === 404) break;
      if (status !== 0) throw new Error(`reading ${stream} from ${next}: status ${status} ${message.headers?.description ?? ''}`);
      got++;
      const sequence = Number(message.headers?.get('Nats-Sequence'));
      next = sequence + 1;
      yield { subject: message.headers?.get('Nats-Subject') ?? '', sequence, data: Buffer.from(message.data) };
    }
    subscription.unsubscribe();
  }
}
