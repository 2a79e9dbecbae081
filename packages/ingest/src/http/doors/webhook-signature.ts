/**
 * Whether a webhook's request was signed by who knows the secret: over the exact bytes, before anything of them is parsed, compared in constant
 * time, and not older than the window where its time is signed. Pure but for node:crypto. Sources: GitHub "Validating webhook deliveries", Slack
 * "Verifying requests from Slack", Stripe "Verify webhook signatures manually", standardwebhooks.com, Okta "Event hooks implementation".
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { type Secret, TocsinError } from '@tocsin/core';
import type { WebhookSettings } from './webhook-settings.ts';

/** A request as it came. */
export interface SignedRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly nowMs: number;
}

/** A proof that was found good. */
export interface Proof {
  /** The signature itself, which is the same whenever the same bytes are sent again; undefined where the scheme signs nothing. */
  readonly signature: string | undefined;
}

/** Checks the proof of a request against the secrets, of which any may fit. @throws auth.bad_signature where there is none or it does not fit */
export function verifyWebhook(settings: WebhookSettings, secrets: readonly Secret[], request: SignedRequest): Proof {
  const { scheme } = settings;
  if (scheme === 'okta') return verifyHeader(header(request, settings.header ?? 'authorization'), secrets);
  const claim = CLAIMS[scheme](settings, request);
  if (claim.timeMs !== undefined && !(Math.abs(request.nowMs - claim.timeMs) <= settings.tolerance))
    refuse('its time is outside of the window');
  const { algorithm = 'sha256', parts, given } = claim;
  for (const secret of secrets) {
    const mac = createHmac(algorithm, scheme === 'standard' ? standardKey(secret) : secret.reveal());
    for (const part of parts) mac.update(part);
    const expected = mac.digest();
    const found = given.find((signature) => isSame(expected, signature));
    if (found !== undefined) return { signature: found.toString('hex') };
  }
  return refuse('its signature does not fit');
}

/** What a request says about itself. */
interface Claim {
  /** Signatures it carries, of which one must fit. */
  readonly given: readonly Buffer[];
  /** What is signed, in order. */
  readonly parts: readonly (string | Buffer)[];
  readonly timeMs?: number;
  readonly algorithm?: 'sha256' | 'sha512';
}

/** Most signatures in one header: senders that change their secret send two. */
const MAX_SIGNATURES = 10;

const CLAIMS: Readonly<Record<Exclude<WebhookSettings['scheme'], 'okta'>, (settings: WebhookSettings, request: SignedRequest) => Claim>> = {
  github: (_, request) => ({
    given: [bytesOf(afterEquals(header(request, 'x-hub-signature-256'), 'sha256'), 'hex')],
    parts: [request.body],
  }),
  slack: (_, request) => {
    const time = header(request, 'x-slack-request-timestamp');
    const given = [bytesOf(afterEquals(header(request, 'x-slack-signature'), 'v0'), 'hex')];
    return { given, parts: [`v0:${time}:`, request.body], timeMs: secondsOf(time) };
  },
  stripe: (settings, request) => {
    const pairs = header(request, settings.header ?? 'stripe-signature')
      .split(',', MAX_SIGNATURES)
      .map((pair) => pair.trim().split('='));
    const time = pairs.find(([name]) => name === 't')?.[1] ?? '';
    const given = pairs.filter(([name]) => name === 'v1').map(([, value]) => bytesOf(value ?? '', 'hex'));
    return { given, parts: [`${time}.`, request.body], timeMs: secondsOf(time) };
  },
  standard: (_, request) => {
    const [id, time] = [header(request, 'webhook-id'), header(request, 'webhook-timestamp')];
    const words = header(request, 'webhook-signature').split(' ', MAX_SIGNATURES);
    const given = words.filter((word) => word.startsWith('v1,')).map((word) => bytesOf(word.slice(3), 'base64'));
    return { given, parts: [`${id}.${time}.`, request.body], timeMs: secondsOf(time) };
  },
  hmac: (settings, request) => {
    const value = header(request, settings.header ?? 'x-signature');
    const bare = value.startsWith(`${settings.algorithm}=`) ? value.slice(settings.algorithm.length + 1) : value;
    return { given: [bytesOf(bare, settings.encoding)], parts: [request.body], algorithm: settings.algorithm };
  },
};

function verifyHeader(given: string, secrets: readonly Secret[]): Proof {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  if (!secrets.some((secret) => timingSafeEqual(digest(given), digest(secret.reveal())))) refuse('it does not fit');
  return { signature: undefined };
}

function isSame(expected: Buffer, given: Buffer): boolean {
  return given.length === expected.length && timingSafeEqual(expected, given);
}

function header({ headers }: SignedRequest, name: string): string {
  const value = headers[name.toLowerCase()];
  return typeof value === 'string' && value !== '' ? value : refuse(`its header ${name.toLowerCase()} is missing`);
}

function afterEquals(value: string, name: string): string {
  return value.startsWith(`${name}=`) ? value.slice(name.length + 1) : refuse('its signature is of another kind');
}

const HEX = /^([0-9a-fA-F]{2}){1,128}$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4}){0,50}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Bytes of a signature; none where it is malformed, which fits nothing. */
function bytesOf(text: string, encoding: 'hex' | 'base64'): Buffer {
  return (encoding === 'hex' ? HEX : BASE64).test(text) ? Buffer.from(text, encoding) : Buffer.alloc(0);
}

function secondsOf(text: string): number {
  return /^\d{1,12}$/.test(text) ? Number(text) * 1000 : Number.NaN;
}

/** Standard Webhooks writes its keys as `whsec_` and base64. */
function standardKey(secret: Secret): Buffer {
  return Buffer.from(secret.reveal().replace(/^whsec_/, ''), 'base64');
}

function refuse(reason: string): never {
  throw new TocsinError('auth.bad_signature', { reason });
}
