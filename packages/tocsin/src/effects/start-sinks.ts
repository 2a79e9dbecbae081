/** Starts the sinks that the settings name: each is a consumer of its own, so that none waits for another. */
import { join } from 'node:path';
import { type Scope, severityFrom } from '@tocsin/core';
import { openInbox } from '@tocsin/store';
import type { InstallationSettings } from '../config/settings.ts';
import { createDrop } from '../deadletters/drop.ts';
import type { InstallationBus } from '../duties/installation-bus.ts';
import { openBus } from '../duties/open-bus.ts';
import type { InstallationOptions } from '../installation-options.ts';
import { resolveSecret } from '../security/resolve-secret.ts';
import type { Surroundings } from '../wire.ts';
import { type EffectConsumer, runEffects } from './effect-runner.ts';
import { pruneDaily } from './prune-inbox.ts';
import { createWebhook } from './webhook.ts';

/** How long a stopping sink may finish what is under way, milliseconds. */
const FINISH_WITHIN_MS = 5000;

/** Starts them; they stop with the scope. Nothing is opened where no sink is configured. @throws config.bad_value where a secret is not where its reference says */
export async function startSinks(
  options: InstallationOptions,
  bus: InstallationBus,
  { scope, around }: { scope: Scope; around: Surroundings },
): Promise<void> {
  const { dataDir, settings } = options;
  if (Object.keys(settings.sinks.webhooks).length === 0) return;
  const connection = scope.add('bus of sinks', await openBus(bus.address('respond')));
  const inbox = scope.add('inbox', openInbox({ path: join(dataDir, 'store', 'inbox.sqlite'), clock: around.clock }));
  const pruning = pruneDaily(inbox, around);
  scope.add('pruning of the inbox', async () => pruning[Symbol.dispose]());
  const stopping = new AbortController();
  const givingUp = new AbortController();
  const drop = createDrop({ bus: connection, clock: around.clock, onTrouble: around.onTrouble, giveUp: givingUp.signal });
  const ways = { ...around, bus: connection, drop, random: Math.random, signal: stopping.signal, giveUp: givingUp.signal };
  const consumers = await Promise.all(
    Object.entries(settings.sinks.webhooks).map(([name, webhook]) => webhookOf(name, webhook, { options, inbox, around })),
  );
  const running = consumers.map((consumer) =>
    runEffects(consumer, ways).catch((error: unknown) =>
      around.onTrouble(error, `the sink ${consumer.name} has ended; it starts with Tocsin again`),
    ),
  );
  scope.add('sinks', async () => {
    stopping.abort();
    const timer = setTimeout(() => givingUp.abort(), FINISH_WITHIN_MS);
    await Promise.all(running).finally(() => clearTimeout(timer));
  });
}

type WebhookSettings = InstallationSettings['sinks']['webhooks'][string];

async function webhookOf(
  name: string,
  { url, tenant, minSeverity, origins, secret, timeout, allowPrivate }: WebhookSettings,
  { options, inbox, around }: { options: InstallationOptions; inbox: ReturnType<typeof openInbox>; around: Surroundings },
): Promise<EffectConsumer> {
  const { environment } = options;
  return createWebhook({
    name,
    url,
    tenant,
    minSeverity: severityFrom('ocsf', minSeverity),
    origins: new Set(origins),
    secret: secret === undefined ? undefined : await resolveSecret(secret, { at: `sinks.webhooks.${name}.secret`, environment }),
    timeoutMs: timeout,
    allowPrivate,
    clock: around.clock,
    inbox,
    version: options.version,
  });
}
