/** Starts the sinks that the settings name: each is a consumer of its own, so that none waits for another. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Scope, severityFrom, TocsinError } from '@tocsin/core';
import { Secret } from '@tocsin/core/setting';
import { openInbox } from '@tocsin/store';
import type { InstallationSettings } from '../config/settings.ts';
import { createDrop } from '../deadletters/drop.ts';
import type { InstallationBus } from '../duties/installation-bus.ts';
import { openBus } from '../duties/open-bus.ts';
import type { InstallationOptions } from '../installation-options.ts';
import type { Surroundings } from '../wire.ts';
import { type EffectConsumer, runEffects } from './effect-runner.ts';
import { createWebhook } from './webhook.ts';

/** Deliveries are remembered for longer than the bus keeps what could be delivered again. */
const REMEMBERED_MS = 31 * 86_400_000;
/** How long a stopping sink may finish what is under way, milliseconds. */
const FINISH_WITHIN_MS = 5000;

/** Starts them; they stop with the scope. Nothing is opened where no sink is configured. @throws effect.bad_secret */
export async function startSinks(
  options: InstallationOptions,
  bus: InstallationBus,
  { scope, around }: { scope: Scope; around: Surroundings },
): Promise<void> {
  const { dataDir, settings } = options;
  if (Object.keys(settings.sinks.webhooks).length === 0) return;
  const connection = scope.add('bus of sinks', await openBus(bus.address('respond')));
  const inbox = scope.add('inbox', openInbox({ path: join(dataDir, 'store', 'inbox.sqlite'), clock: around.clock }));
  inbox.prune(around.clock.nowMs() - REMEMBERED_MS);
  const stopping = new AbortController();
  const givingUp = new AbortController();
  const drop = createDrop({ bus: connection, clock: around.clock, onTrouble: around.onTrouble, giveUp: givingUp.signal });
  const ways = { ...around, bus: connection, drop, random: Math.random, signal: stopping.signal, giveUp: givingUp.signal };
  const consumers = Object.entries(settings.sinks.webhooks).map(([name, webhook]) => webhookOf(name, webhook, { options, inbox, around }));
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

function webhookOf(
  name: string,
  { url, tenant, minSeverity, secret, timeout, allowPrivate }: WebhookSettings,
  { options, inbox, around }: { options: InstallationOptions; inbox: ReturnType<typeof openInbox>; around: Surroundings },
): EffectConsumer {
  return createWebhook({
    name,
    url,
    tenant,
    minSeverity: severityFrom('ocsf', minSeverity),
    secret: secret === undefined ? undefined : resolveSecret(secret, `sinks.webhooks.${name}`),
    timeoutMs: timeout,
    allowPrivate,
    clock: around.clock,
    inbox,
    version: options.version,
  });
}

/** A secret, or the file it is in. @throws effect.bad_secret */
function resolveSecret(secret: Secret, setting: string): Secret {
  const text = secret.reveal();
  if (!text.startsWith('file:')) return secret;
  try {
    return new Secret(readFileSync(text.slice('file:'.length), 'utf8').trim());
  } catch (cause) {
    throw new TocsinError('effect.bad_secret', { setting, reason: (cause as NodeJS.ErrnoException).code ?? 'it is no file' }, { cause });
  }
}
