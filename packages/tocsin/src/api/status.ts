/** Puts the installation's status together from those who know: bus, threads, registry. What cannot be asked is told as such, never invented. */
import type { EventBus, ReplayLog, Topology } from '@tocsin/bus';
import { isTocsinError } from '@tocsin/core';
import type { DetectApi } from '../duties/detect-api.ts';
import type { StoreApi } from '../duties/store-api.ts';
import type { SupervisedThread } from '../duties/supervised-thread.ts';
import type { Registry } from '../registry/registry.ts';
import type { DutyStatus, InstallationStatus, StreamStatus } from './installation-status.ts';

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

/** Who answers how the installation is doing. */
export interface StatusDesk {
  /** Whole status, as a tenant may see it. @throws api.internal while a duty is down that has never been asked */
  readonly of: (tenant: string) => Promise<InstallationStatus>;
  /** Whether every duty runs. */
  readonly readiness: () => InstallationStatus['state'];
}

/** Tenants whose last answers are remembered. */
const REMEMBERED = 1000;

/** Opens the desk. */
export function createStatus(sources: StatusSources): StatusDesk {
  const { version, site, startedMs, busServer, bus, registry, detect, store } = sources;
  const answers = new Map<string, Answers>();
  const duties = (): DutyStatus[] => [{ duty: 'ingest', state: 'running', restarts: 0 }, detect.status(), store.status()];
  const readiness = (): InstallationStatus['state'] => (duties().every((duty) => duty.state === 'running') ? 'ready' : 'degraded');
  return {
    readiness,
    async of(tenant) {
      const [streams, { totals, alerts, rules }] = await Promise.all([readStreams(sources), ask(sources, tenant, answers)]);
      return {
        version,
        site,
        state: readiness(),
        startedMs,
        guarantees: bus.guarantees,
        busServer,
        duties: duties(),
        streams,
        events: { stored: totals.events, duplicates: totals.duplicates },
        alerts,
        rules: { loaded: rules.rules.length, refused: rules.refused.length, ruleSet: rules.ruleSet },
        sources: registry.list('source', tenant).filter((source) => source.value.revokedMs === undefined).length,
        gaps: totals.missing,
      };
    },
  };
}

interface Answers {
  readonly totals: Awaited<ReturnType<SupervisedThread<StoreApi>['client']['totals']>>;
  readonly alerts: InstallationStatus['alerts'];
  readonly rules: Awaited<ReturnType<SupervisedThread<DetectApi>['client']['rules']>>;
}

/** The threads' own figures. While one is being restarted the last ones stand, and the duty's state says why they do not move. */
async function ask({ store, detect }: StatusSources, tenant: string, last: Map<string, Answers>): Promise<Answers> {
  try {
    const [totals, alerts, rules] = await Promise.all([
      store.client.totals(),
      store.client.countAlerts(tenant),
      detect.client.rules(tenant),
    ]);
    if (last.size < REMEMBERED || last.has(tenant)) last.set(tenant, { totals, alerts, rules });
    return { totals, alerts, rules };
  } catch (error) {
    const known = last.get(tenant);
    if (known && isTocsinError(error, 'api.internal')) return known;
    throw error;
  }
}

function readStreams({ bus, topology }: StatusSources): Promise<StreamStatus[]> {
  return Promise.all(
    topology.streams.map(async ({ name, subjects }) => {
      const { messages, bytes } = await bus.info(subjects[0] ?? name);
      return { stream: name, messages, bytes };
    }),
  );
}
