/** Puts survey, lag and retention keeper together under a key of their own. */
import type { Scope } from '@tocsin/core';
import type { DutyDesk } from '../duties/duty-desk.ts';
import type { InstallationBus } from '../duties/installation-bus.ts';
import { openBus } from '../duties/open-bus.ts';
import { isFormerWebhook } from '../effects/webhook.ts';
import type { InstallationOptions } from '../installation-options.ts';
import { createAuditTrail } from '../security/audit-trail.ts';
import type { Surroundings } from '../wire.ts';
import type { FlowControl } from './flow-control.ts';
import { FlowWatch } from './flow-watch.ts';
import { RetentionKeeper } from './retention-keeper.ts';
import { Survey } from './survey.ts';

/** What it stands on. */
export interface FlowWatchGround {
  readonly bus: InstallationBus;
  readonly desk: Pick<DutyDesk, 'store' | 'detect'>;
  readonly flow: Pick<FlowControl, 'quotas'>;
  readonly around: Surroundings;
  readonly scope: Scope;
}

/** Connects and starts looking; disposing the watch ends it. */
export async function openFlowWatch(
  { settings, logger }: InstallationOptions,
  { bus, desk, flow, around, scope }: FlowWatchGround,
): Promise<FlowWatch> {
  const keepBus = scope.add('bus of the keeper', await openBus(bus.address('keep')));
  const { clock, nextId, onTrouble } = around;
  const keeper = new RetentionKeeper({
    bus: keepBus,
    clock,
    nextId,
    trail: createAuditTrail(keepBus),
    store: desk.store,
    settings: settings.retention,
    eventsMaxAgeMs: settings.bus.eventsMaxAge,
    tenantBounds: (tenant) => flow.quotas.of('tenant', { tenant, source: '' }),
    onTrouble,
    onRemoved: (stream, messages, why) => logger.info({ stream, messages, why }, 'Removed the oldest of a stream'),
  });
  const survey = new Survey({
    bus: keepBus,
    topology: bus.topology,
    partitions: settings.bus.partitions,
    foldShards: settings.detect.foldShards,
    store: desk.store,
    detect: desk.detect,
    isWanted: (group) => !isFormerWebhook(group, settings.sinks.webhooks),
  });
  return new FlowWatch({
    bus: keepBus,
    clock,
    store: desk.store,
    thresholds: settings.lag,
    survey,
    keeper,
    everyMs: settings.retention.checkEvery,
    onTrouble,
    onNews: (text, isBad) => logger[isBad ? 'warn' : 'info'](`Flow: ${text}`),
  });
}
