/**
 * Webhooks: services that post their events to `/webhooks/NAME`. The name says which settings hold; who may send is shown by the signature
 * alone (`webhook-signature.ts`), over the bytes as they came. What a body becomes is in `webhook-records.ts`.
 */
import { type Secret, TocsinError } from '@tocsin/core';
import type { Source } from '../../source.ts';
import { type Answer, jsonAnswer } from '../answer.ts';
import type { DoorRequest, HttpDoor } from '../http-door.ts';
import { answerToError, answerToResults } from '../problem.ts';
import { challengeOf, cutWebhook, type UnsignedFacts } from './webhook-records.ts';
import type { WebhookSettings } from './webhook-settings.ts';
import { verifyWebhook } from './webhook-signature.ts';

/** A webhook with its secrets resolved. */
export interface Webhook {
  readonly settings: WebhookSettings;
  readonly secrets: readonly Secret[];
}

/** What the door is made of. */
export interface WebhooksOptions {
  /** By the name in the address. */
  readonly webhooks: ReadonlyMap<string, Webhook>;
  /** The source that the settings bind to a webhook, asked for each request. @throws listener.source_unknown */
  readonly boundSource: (listener: string, source: string) => Source;
  readonly nowMs: () => number;
}

/** Largest body: services send one event, or a few, at a time. Bytes. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** Signatures whose unsigned headers are remembered. */
const MAX_REMEMBERED = 20_000;
const URL = '/webhooks/:name';
const SCHEMA = { tags: ['Webhooks'], security: [] };

/** The door. */
export function webhooksDoor(options: WebhooksOptions): HttpDoor {
  const firstOf = rememberFirst<UnsignedFacts>(MAX_REMEMBERED);
  const context: Context = { ...options, firstOf };
  return {
    name: 'webhooks',
    routes: [
      {
        method: 'POST',
        url: URL,
        schema: { ...SCHEMA, summary: 'A webhook, signed as its settings say' },
        handle: (request) => takeIn(request, context),
      },
      {
        method: 'GET',
        url: URL,
        schema: { ...SCHEMA, summary: 'Okta’s one-time verification of an event hook' },
        handle: (request) => answerOkta(request, options),
      },
    ],
    answerToError,
  };
}

async function takeIn(request: DoorRequest, options: Context): Promise<Answer> {
  const { name, webhook } = find(request, options);
  const guest = request.admitAs(options.boundSource(`webhooks/${name}`, webhook.settings.source ?? name));
  const body = await guest.readBody({ maxBytes: MAX_BODY_BYTES });
  const proof = verifyWebhook(webhook.settings, webhook.secrets, { headers: request.headers, body, nowMs: options.nowMs() });
  const challenge = webhook.settings.scheme === 'slack' ? challengeOf(body) : undefined;
  if (challenge !== undefined) return jsonAnswer(200, { challenge });
  const proven = { headers: request.headers, body, proof, maxRecords: guest.maxRecords, firstOf: options.firstOf };
  const answer = answerToResults(await guest.emit(cutWebhook(webhook.settings.scheme, proven)));
  // Some senders take nothing but 200 for success.
  return answer.status === 202 ? { ...answer, status: 200 } : answer;
}

async function answerOkta(request: DoorRequest, options: WebhooksOptions): Promise<Answer> {
  const { webhook } = find(request, options);
  const verification = request.headers['x-okta-verification-challenge'];
  if (webhook.settings.scheme !== 'okta' || typeof verification !== 'string')
    throw new TocsinError('api.bad_method', { method: 'GET', path: request.path, allow: ['POST'] });
  verifyWebhook(webhook.settings, webhook.secrets, { headers: request.headers, body: Buffer.alloc(0), nowMs: options.nowMs() });
  return jsonAnswer(200, { verification });
}

type Context = WebhooksOptions & { readonly firstOf: (signature: string, facts: UnsignedFacts) => UnsignedFacts };

/** What was said first under a key; the oldest keys are forgotten. */
function rememberFirst<T>(most: number): (key: string, value: T) => T {
  const known = new Map<string, T>();
  return (key, value) => {
    const first = known.get(key) ?? value;
    known.delete(key);
    known.set(key, first);
    const [oldest] = known.keys();
    if (known.size > most && oldest !== undefined) known.delete(oldest);
    return first;
  };
}

function find(request: DoorRequest, { webhooks }: WebhooksOptions): { name: string; webhook: Webhook } {
  const name = request.params['name'] ?? '';
  const webhook = webhooks.get(name);
  if (webhook === undefined) throw new TocsinError('api.not_found', { what: 'webhook', id: JSON.stringify(name.slice(0, 100)) });
  return { name, webhook };
}
