/**
 * What the body of a webhook becomes, once its signature was found good: the elements of a list, the events of an Okta hook, or the one object.
 * Ids come from what is signed, so that a body sent again, by the service or by who has recorded it, is recognised.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { memberRange, splitJsonArray, splitJsonObject, TocsinError } from '@tocsin/core';
import { isObject, parseJsonRecord } from '../../decoders/json-record.ts';
import { type DecodeLimits, defaultDecodeLimits } from '../../decoders/record-decoder.ts';
import type { RawRecord } from '../../source.ts';
import { besideFacts, dressObject, isObjectText } from '../beside-facts.ts';
import type { WebhookSettings } from './webhook-settings.ts';
import type { Proof } from './webhook-signature.ts';

/** A request whose signature is good. */
export interface ProvenRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly proof: Proof;
  readonly maxRecords: number;
  /** What was said beside a body with this signature when it came first. */
  readonly firstOf: (signature: string, facts: UnsignedFacts) => UnsignedFacts;
}

/** Facts of headers that the signature does not cover. */
export interface UnsignedFacts {
  readonly members: string;
  readonly type: string | undefined;
}

const OPEN_ARRAY = 0x5b;
const OPEN_OBJECT = 0x7b;
const LIMITS: DecodeLimits = { ...defaultDecodeLimits, maxRecordBytes: 4 * 1024 * 1024 };
/** Most parameters of a form. */
const MAX_PARAMETERS = 1000;

/** Records of a body, at least one. @throws ingest.bad_body, ingest.body_too_large */
export function cutWebhook(scheme: WebhookSettings['scheme'], request: ProvenRequest): RawRecord[] {
  const body = isForm(request) ? fromForm(request.body) : request.body;
  if (scheme === 'okta') return oktaEvents(body, request.maxRecords);
  const pieces = piecesOf(body, request.maxRecords);
  // The header that names the event is not signed: whoever repeats a request with another one is answered by the first.
  const facts = scheme === 'github' ? request.firstOf(request.proof.signature ?? '', githubFacts(request.headers)) : undefined;
  return pieces.map((piece, place) => {
    const id = idOf(scheme, piece, request);
    const bytes = facts !== undefined && isObjectText(piece) ? dressObject(piece, facts.members) : piece;
    return { bytes, envelope: { id: id !== undefined && pieces.length > 1 ? `${id}-${place}` : id, type: facts?.type } };
  });
}

/** The text that Slack wants back once, when an address is registered. */
export function challengeOf(body: Buffer): string | undefined {
  const fields = objectOf(body);
  return fields?.['type'] === 'url_verification' && typeof fields['challenge'] === 'string' ? fields['challenge'] : undefined;
}

function piecesOf(body: Buffer, maxRecords: number): Uint8Array[] {
  const first = body.find((byte) => byte > 0x20);
  if (first === undefined) throw new TocsinError('ingest.bad_body', { reason: 'it is empty' });
  return first === OPEN_ARRAY ? elementsOf(body, maxRecords) : [body];
}

function elementsOf(list: Uint8Array, maxRecords: number): Uint8Array[] {
  const split = splitJsonArray(list, { maxDepth: Number.POSITIVE_INFINITY, maxPieces: maxRecords });
  if (split.failure?.reason === 'too_many') throw new TocsinError('ingest.body_too_large', { what: 'records', max: maxRecords });
  if (split.failure !== undefined || split.ranges.length === 0)
    throw new TocsinError('ingest.bad_body', { reason: 'it is no list of events' });
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < split.ranges.length; at += 2) pieces.push(list.subarray(split.ranges[at], split.ranges[at + 1]));
  return pieces;
}

/** `data.events` of an Okta hook, each by its own uuid. */
function oktaEvents(body: Buffer, maxRecords: number): RawRecord[] {
  const events = memberOf(memberOf(body, 'data'), 'events');
  if (events === undefined) throw new TocsinError('ingest.bad_body', { reason: 'it has no data.events, as Okta’s event hooks do' });
  return elementsOf(events, maxRecords).map((bytes) => ({ bytes, envelope: { id: textOf(memberOf(bytes, 'uuid')) } }));
}

function idOf(scheme: WebhookSettings['scheme'], piece: Uint8Array, { headers, proof }: ProvenRequest): string | undefined {
  const signature = proof.signature === undefined ? undefined : `${scheme}-${proof.signature}`;
  // Deliveries of these services have a new signature each time they are repeated; the id in the body, or the signed header, stays.
  if (scheme === 'slack') return textOf(memberOf(piece, 'event_id')) ?? signature;
  if (scheme === 'stripe') return textOf(memberOf(piece, 'id')) ?? signature;
  return scheme === 'standard' ? `standard-${String(headers['webhook-id'])}` : signature;
}

function githubFacts(headers: IncomingHttpHeaders): UnsignedFacts {
  const [event, delivery] = [headers['x-github-event'], headers['x-github-delivery']];
  const isWord = typeof event === 'string' && /^[a-z_]{1,60}$/.test(event);
  const facts = [
    ['github_event', isWord ? event : undefined],
    ['github_delivery', typeof delivery === 'string' ? delivery.slice(0, 100) : undefined],
  ] as const;
  return { members: besideFacts(facts), type: isWord ? `github.${event}` : undefined };
}

/** Whether it is a form: some senders say so of their JSON. */
function isForm({ headers, body }: Pick<ProvenRequest, 'headers' | 'body'>): boolean {
  const isJson = body[0] === OPEN_OBJECT || body[0] === OPEN_ARRAY;
  return !isJson && (headers['content-type'] ?? '').toLowerCase().startsWith('application/x-www-form-urlencoded');
}

/** A form as a JSON object; services that send one put their JSON into its member `payload`. */
function fromForm(body: Buffer): Buffer {
  const parameters = [...new URLSearchParams(body.toString('utf8'))];
  if (parameters.length > MAX_PARAMETERS)
    throw new TocsinError('ingest.bad_body', { reason: `its form has more than ${MAX_PARAMETERS} parameters` });
  const payload = parameters.find(([name]) => name === 'payload')?.[1];
  return Buffer.from(payload ?? JSON.stringify(Object.fromEntries(parameters)));
}

function memberOf(bytes: Uint8Array | undefined, name: string): Uint8Array | undefined {
  const split = bytes === undefined ? undefined : splitJsonObject(bytes, { maxDepth: Number.POSITIVE_INFINITY, maxPieces: LIMITS.maxKeys });
  if (bytes === undefined || split === undefined || split.failure !== undefined) return undefined;
  const range = memberRange(bytes, split.ranges, name);
  return range === undefined ? undefined : bytes.subarray(range[0], range[1]);
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  const value = bytes === undefined ? undefined : objectOf(Buffer.concat([Buffer.from('{"v":'), bytes, Buffer.from('}')]))?.['v'];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function objectOf(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  const parsed = parseJsonRecord(bytes, 'webhook', LIMITS);
  return 'refusal' in parsed || !isObject(parsed.fields) ? undefined : parsed.fields;
}
