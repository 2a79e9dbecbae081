/** Webhooks as the settings name them, with their secrets resolved and the sources they are bound to. */
import type { Secret } from '@tocsin/core';
import type { HttpDoorsOptions } from '@tocsin/ingest';
import type { InstallationSettings } from '../config/settings.ts';
import type { SourceBook } from '../registry/source-book.ts';
import { resolveSecret } from '../security/resolve-secret.ts';
import { boundSource } from './start-listeners.ts';

/** What webhooks are opened with. */
export interface WebhookGround {
  readonly settings: InstallationSettings['webhooks'];
  readonly book: Pick<SourceBook, 'find'>;
  readonly environment: (name: string) => string | undefined;
  readonly nowMs: () => number;
}

/** What the door of webhooks is made of. @throws config.bad_value where a secret is not where its reference says */
export async function openWebhooks({ settings, book, environment, nowMs }: WebhookGround): Promise<HttpDoorsOptions['webhooks']> {
  const webhooks = new Map<string, { settings: InstallationSettings['webhooks'][string]; secrets: Secret[] }>();
  for (const [name, each] of Object.entries(settings)) {
    const secrets = [await resolveSecret(each.secret, { at: `webhooks.${name}.secret`, environment })];
    if (each.previousSecret !== undefined)
      secrets.push(await resolveSecret(each.previousSecret, { at: `webhooks.${name}.previousSecret`, environment }));
    webhooks.set(name, { settings: each, secrets });
  }
  return { webhooks, boundSource: (listener, source) => boundSource(book, listener, source), nowMs };
}
