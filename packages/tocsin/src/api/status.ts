/** Puts the installation's status together from those who know: bus, threads, registry. What cannot be asked is told as such, never invented. */
import type { ReplayLog } from '@tocsin/bus';
import type { DetectApi } from '../duties/detect-api.ts';
import type { StoreApi } from '../duties/store-api.ts';
import type { SupervisedThread } from '../duties/supervised-thread.ts';
import type { Registry } from '../registry/registry.ts';
import type { Topology, EventBus } from '@tocsin/bus';
import type { InstallationStatus, StreamStatus } from './installation-status.ts';

/** Where status comes from. */
export interface StatusSources {
  readonly version: string;
  readonly site: string;
  readonly startedMs: number;
  readonly busServer: string;
  readonly bus: EventBus & ReplayLog;
  readonly topology: Topology;
  readonly registry: Registry;
  readonly detect: SupervisedThread<DetectApi>;
  readonly store: SupervisedThread<StoreApi>;
}

/** Answers the status for a tenant. */
export function createStatus(sources: StatusSources): (tenant: string) => Promise<InstallationStatus> {
  const { version, site, startedMs, busServer, bus, registry, detect, store } = sources;
  return async (tenant) => {
    const [streams, totals, alerts, rules] = await Promise.all([
      readStreams(sources),
      store.client.totals(),
      store.client.countAlerts(tenant),
      detect.client.rules(tenant),
    ]);
    const duties = [{ duty: 'ingest', state: 'running', restarts: 0 } as const, detect.status(), store.status()];
    return {
      version,
      site,
      state: duties.every((duty) => duty.state === 'running') ? 'ready' : 'degraded',
      startedMs,
      guarantees: bus.guarantees,
      busServer,
      duties,
      streams,
      events: { stored: totals.events, duplicates: totals.duplicates },
      alerts,
      rules: { loaded: rules.rules.length, refused: rules.refused.length, ruleSet: rules.ruleSet },
      sources: registry.list('source', tenant).filter((source) => source.value.revokedMs === undefined).length,
      gaps: totals.missing,
    };
  };
}

function readStreams({ bus, topology }: StatusSources): Promise<StreamStatus[]> {
  return Promise.all(
    topology.streams.map(async ({ name, subjects }) => {
      const { messages, bytes } = await bus.info(subjects[0] ?? name);
      return { stream: name, messages, bytes };
    }),
  );
}
