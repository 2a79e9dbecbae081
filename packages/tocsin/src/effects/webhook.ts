/**
 * The webhook sink: every change of an alert of at least a severity, as a signed POST. Delivered at least once; the key by which the other side
 * recognises what it has is the alert's id and revision.
 */
import { createHmac } from 'node:crypto';
import { type Alert, type AlertOrigin, type Clock, isTocsinError, type SeverityId, TocsinError } from '@tocsin/core';
import type { Secret } from '@tocsin/core/setting';
import type { Inbox } from '@tocsin/store';
import { tenantAlertsFilter } from '../subjects.ts';
import type { EffectConsumer } from './effect-runner.ts';
import { checkOutbound, type LookUp } from './outbound-address.ts';
import { type PostAnswer, postJson } from './post-json.ts';

/** A webhook as it is configured. */
export interface WebhookOptions {
  readonly name: string;
  readonly url: string;
  readonly tenant: string;
  readonly minSeverity: SeverityId;
  /** How alerts, and changes of alerts, must have come to be sent. */
  readonly origins: ReadonlySet<AlertOrigin>;
  readonly secret?: Secret | undefined;
  readonly timeoutMs: number;
  /** Whether it may be an address of one's own networks. */
  readonly allowPrivate: boolean;
  readonly clock: Clock;
  /** What was delivered: a redelivery of it is not sent again. */
  readonly inbox: Inbox;
  readonly version: string;
  readonly lookUp?: LookUp | undefined;
}

/** Statuses that say "not now": request timeout, too early, too many requests. */
const NOT_NOW: ReadonlySet<number> = new Set([408, 425, 429]);

const CONSUMER = 'webhook-';

/** Name of a webhook among the consumers. */
function webhookConsumer(name: string): string {
  return `${CONSUMER}${name}`;
}

/** Whether a consumer is a webhook that is none of these: it was removed or renamed, and nobody waits for what it was not told. */
export function isFormerWebhook(consumer: string, webhooks: Readonly<Record<string, unknown>>): boolean {
  return consumer.startsWith(CONSUMER) && !Object.hasOwn(webhooks, consumer.slice(CONSUMER.length));
}

/** The consumer that sends alerts to a webhook. */
export function createWebhook(options: WebhookOptions): EffectConsumer {
  const name = webhookConsumer(options.name);
  const underWay = new Map<string, Promise<void>>();
  return {
    name,
    filter: tenantAlertsFilter(options.tenant),
    tenantOf: () => options.tenant,
    async handle({ body }, signal) {
      const alert = parse(name, body);
      if (alert.severity < options.minSeverity) return;
      if (!options.origins.has(alert.origin) || !options.origins.has(alert.changedBy ?? alert.origin)) return;
      const key = revisionKey(alert);
      // The same change may come twice at once, from the log and from a redrive.
      await underWay.get(key)?.catch(() => 'whoever began it is told');
      if (options.inbox.has(name, key)) return;
      const sent = send(options, { key, alert, signal }).then(() => void options.inbox.once(name, key, () => undefined));
      underWay.set(key, sent);
      await sent.finally(() => underWay.delete(key));
    },
  };
}

/** What identifies a change of an alert: its id, how often its fold has changed it, and what people did to it last. */
function revisionKey({ id, foldRevision, lastAct }: Alert): string {
  return `${id}.${foldRevision}${lastAct === undefined ? '' : `.${lastAct.kind}.${lastAct.atMs}`}`;
}

/** `t=<seconds>,v1=<hex>`: HMAC-SHA256 over `<seconds>.<body>`, so that neither the time nor the body can be changed. */
export function signature(secret: Secret, body: Uint8Array, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000);
  const mac = createHmac('sha256', secret.reveal()).update(`${seconds}.`).update(body).digest('hex');
  return `t=${seconds},v1=${mac}`;
}

async function send(
  { name, url, allowPrivate, lookUp, secret, timeoutMs, clock, version }: WebhookOptions,
  { key, alert, signal }: { readonly key: string; readonly alert: Alert; readonly signal: AbortSignal },
): Promise<void> {
  const consumer = webhookConsumer(name);
  const to = await checkOutbound(url, consumer, { allowPrivate, lookUp });
  const body = Buffer.from(JSON.stringify({ type: 'tocsin.alert', key, alert }));
  const headers = {
    'content-type': 'application/json',
    'user-agent': `tocsin/${version}`,
    'idempotency-key': key,
    ...(secret === undefined ? {} : { 'tocsin-signature': signature(secret, body, clock.nowMs()) }),
  };
  let answer: PostAnswer;
  try {
    answer = await postJson(to, { headers, body, timeoutMs, signal });
  } catch (cause) {
    const reason = cause instanceof Error && cause.name === 'TimeoutError' ? `no answer within ${timeoutMs} ms` : 'the connection failed';
    throw new TocsinError('effect.unavailable', { consumer, reason }, { cause });
  }
  judge(consumer, answer, clock);
}

/** @throws effect.unavailable, effect.refused unless the answer says that it was taken */
function judge(consumer: string, { status, retryAfter, text }: PostAnswer, clock: Clock): void {
  if (status >= 200 && status < 300) return;
  const reason = `it answered ${status}${text === '' ? '' : `: ${text.slice(0, 200)}`}`;
  if (status < 500 && !NOT_NOW.has(status)) throw new TocsinError('effect.refused', { consumer, reason });
  throw new TocsinError('effect.unavailable', { consumer, reason, retryAfterMs: retryAfterMs(retryAfter, clock) });
}

/** RFC 9110 Retry-After: seconds, or a date. */
function retryAfterMs(text: string | undefined, clock: Clock): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - clock.nowMs());
}

/** @throws effect.refused for what is no alert */
function parse(consumer: string, body: Uint8Array): Alert {
  try {
    const alert = JSON.parse(Buffer.from(body).toString()) as Alert;
    if (typeof alert.id === 'string' && typeof alert.severity === 'number') return alert;
    throw new TocsinError('effect.refused', { consumer, reason: 'the message is no alert' });
  } catch (cause) {
    if (isTocsinError(cause)) throw cause;
    throw new TocsinError('effect.refused', { consumer, reason: 'the message is no JSON' }, { cause });
  }
}
