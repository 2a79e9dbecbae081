/** Every door of the API's server. A new protocol is a file in `doors/` and a row here. */
import { elasticDoor } from './doors/elastic-bulk.ts';
import { lokiDoor } from './doors/loki-push.ts';
import { otlpDoor } from './doors/otlp-logs.ts';
import { splunkHecDoor } from './doors/splunk-hec.ts';
import { type WebhooksOptions, webhooksDoor } from './doors/webhooks.ts';
import { eventsDoor } from './events-route.ts';
import type { HttpDoor } from './http-door.ts';

/** What some doors are made of. */
export interface HttpDoorsOptions {
  readonly webhooks: WebhooksOptions;
}

/** The doors in the order of the API document. */
export function createHttpDoors({ webhooks }: HttpDoorsOptions): readonly HttpDoor[] {
  return [eventsDoor, splunkHecDoor(), elasticDoor(), otlpDoor, lokiDoor, webhooksDoor(webhooks)];
}
