/**
 * Splunk's HTTP Event Collector, as its agents speak it: events, raw lines, acknowledgements, health. `Authorization: Splunk TOKEN`, the token
 * being one of ours. 200 means fsynced, acknowledgement or not. Cutting events is in `hec-events.ts`, acknowledgement ids in `hec-acks.ts`.
 * Source: Splunk Enterprise, "HTTP Event Collector REST API endpoints" and "Troubleshoot HTTP Event Collector" (codes).
 */
import type { TocsinError } from '@tocsin/core';
import type { RawRecord, RecordResult } from '../../source.ts';
import { type Answer, jsonAnswer } from '../answer.ts';
import { besideFacts } from '../beside-facts.ts';
import { tokenOfScheme } from '../credential.ts';
import type { DoorRequest, DoorRoute, Guest, HttpDoor } from '../http-door.ts';
import { retryHeaders } from '../problem.ts';
import { createHecAcks, type HecAcks } from './hec-acks.ts';
import { cutHecEvents, cutHecLines, HecRefusal } from './hec-events.ts';

/** The door; remembers channels as long as it lives. */
export function splunkHecDoor(): HttpDoor {
  const acks = createHecAcks();
  const events = (request: DoorRequest): Promise<Answer> =>
    takeIn(request, acks, async (guest) => cutHecEvents(await guest.readBody(), guest));
  const raw = (request: DoorRequest): Promise<Answer> => takeIn(request, acks, async (guest) => cutRaw(request, guest));
  const post = (url: string, summary: string, handle: DoorRoute['handle']): DoorRoute => ({
    method: 'POST',
    url,
    schema: { ...SCHEMA, summary },
    handle,
  });
  const health = (url: string): DoorRoute => ({
    method: 'GET',
    url,
    schema: { summary: 'Splunk HEC: whether events are taken', tags: ['Splunk HEC'], security: [] },
    handle: () => word(200, 17),
  });
  return {
    name: 'splunk-hec',
    routes: [
      ...['', '/event', '/event/1.0'].map((path) => post(`/services/collector${path}`, 'Splunk HEC: JSON events', events)),
      ...['/raw', '/raw/1.0'].map((path) => post(`/services/collector${path}`, 'Splunk HEC: lines of text', raw)),
      post('/services/collector/ack', 'Splunk HEC: which acknowledgement ids are durable', (request) => answerAcks(request, acks)),
      health('/services/collector/health'),
      health('/services/collector/health/1.0'),
    ],
    answerToError,
  };
}

const SCHEMA = { tags: ['Splunk HEC'], response: { 200: { type: 'object', description: 'Stored: on disk', additionalProperties: true } } };

/** Splunk's texts by its codes. */
const TEXTS: ReadonlyMap<number, string> = new Map([
  [0, 'Success'],
  [2, 'Token is required'],
  [3, 'Invalid authorization'],
  [4, 'Invalid token'],
  [5, 'No data'],
  [6, 'Invalid data format'],
  [8, 'Internal server error'],
  [9, 'Server is busy'],
  [10, 'Data channel is missing'],
  [11, 'Invalid data channel'],
  [12, 'Event field is required'],
  [13, 'Event field cannot be blank'],
  [15, 'Error in handling indexed fields'],
  [17, 'HEC is healthy'],
]);

function word(status: number, code: number, more: Readonly<Record<string, unknown>> = {}): Answer {
  return jsonAnswer(status, { text: TEXTS.get(code), code, ...more });
}

async function takeIn(request: DoorRequest, acks: HecAcks, cut: (guest: Guest) => Promise<RawRecord[]>): Promise<Answer> {
  const guest = await request.admit(tokenOf(request));
  const channel = channelOf(request);
  const results = await guest.emit(await cut(guest));
  const rejected = results.filter((result) => result.status === 'rejected').length;
  if (rejected === results.length) return refusal(results);
  const ackId = channel === undefined ? {} : { ackId: acks.next(guest.source, channel) };
  // Sending a record again that cannot be read helps nobody: the rest is stored, and what was left out is told and counted.
  return word(200, 0, { ...ackId, ...(rejected === 0 ? {} : { rejected, 'invalid-event-number': firstRejected(results) }) });
}

async function cutRaw(request: DoorRequest, guest: Guest): Promise<RawRecord[]> {
  const { host, source, sourcetype, index, time } = request.query;
  const facts = besideFacts(Object.entries({ host, source, sourcetype, index }));
  return cutHecLines(await guest.readBody(), { facts, timeMs: time === undefined ? undefined : Number(time) * 1000, guest });
}

async function answerAcks(request: DoorRequest, acks: HecAcks): Promise<Answer> {
  const guest = await request.admit(tokenOf(request));
  const channel = channelOf(request);
  if (channel === undefined) throw new HecRefusal(10, undefined);
  const asked = askedAcks(await guest.readBody({ maxBytes: MAX_ACK_BYTES }));
  return jsonAnswer(200, { acks: Object.fromEntries(asked.map((id) => [id, acks.isDurable(guest.source, channel, id)])) });
}

/** Largest question about acknowledgements, bytes, and most ids in it. */
const MAX_ACK_BYTES = 256 * 1024;
const MAX_ACK_IDS = 10_000;

function askedAcks(body: Uint8Array): number[] {
  let asked: unknown;
  try {
    asked = (JSON.parse(Buffer.from(body).toString('utf8')) as { acks?: unknown } | null)?.acks;
  } catch {
    asked = undefined; // no JSON: refused below
  }
  if (!Array.isArray(asked) || asked.length > MAX_ACK_IDS || !asked.every((id) => Number.isSafeInteger(id)))
    throw new HecRefusal(6, undefined);
  return asked as number[];
}

function tokenOf({ headers }: DoorRequest): string | undefined {
  const basic = tokenOfScheme(headers.authorization, ['basic']);
  if (!basic) return tokenOfScheme(headers.authorization, ['splunk', 'bearer']);
  const pair = Buffer.from(basic, 'base64').toString('latin1');
  return pair.slice(pair.indexOf(':') + 1);
}

/** Printable ASCII; Splunk asks for a GUID, agents send other words too. */
const CHANNEL = /^[\x21-\x7e]{1,128}$/;

function channelOf({ headers, query }: DoorRequest): string | undefined {
  const channel = headers['x-splunk-request-channel'] ?? query['channel'];
  if (channel === undefined) return undefined;
  if (typeof channel !== 'string' || !CHANNEL.test(channel)) throw new HecRefusal(11, undefined);
  return channel;
}

function firstRejected(results: readonly RecordResult[]): number {
  return results.findIndex((result) => result.status === 'rejected');
}

/** The answer where no event could be read. */
function refusal(results: readonly RecordResult[]): Answer {
  const [first] = results;
  const reason = first?.status === 'rejected' ? first.reason : undefined;
  return first === undefined ? word(400, 5) : word(400, 6, { 'invalid-event-number': 0, reason });
}

function answerToError(error: TocsinError): Answer {
  if (error instanceof HecRefusal)
    return word(400, error.hecCode, error.event === undefined ? {} : { 'invalid-event-number': error.event });
  const { http } = error.row;
  const reason = { reason: error.message };
  if (error.code === 'auth.missing') return word(401, 2, reason);
  if (http === 401 || http === 403) return word(403, 4, reason);
  if (http === 429 || http === 503) return { ...word(http, 9, reason), headers: retryHeaders(error) };
  return http >= 500 ? word(500, 8, reason) : word(http, 6, reason);
}
