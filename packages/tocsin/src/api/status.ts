/** Puts the installation's status together from those who know: bus, threads, registry. What cannot be asked is told as such, never invented. */
import type { EventBus, ReplayLog, Topology } from '@tocsin/bus';
import { isTocsinError, type TocsinError } from '@tocsin/core';
import type { DutyDesk } from '../duties/duty-desk.ts';
import type { MemberRecord } from '../members/member-record.ts';
import type { Registry } from '../registry/registry.ts';
import type { DutyStatus, InstallationStatus, MemberStatus, StreamStatus } from './installation-status.ts';

/** Where status comes from. */
export interface StatusSources {
  readonly version: string;
  readonly site: string;
  readonly startedMs: number;
  readonly busServer: string;
  readonly bus: EventBus & ReplayLog;
  readonly topology: Topology;
  readonly registry: Registry;
  readonly desk: Pick<DutyDesk, 'store' | 'detect' | 'duties' | 'members'>;
}

/** Who answers how the installation is doing. */
export interface StatusDesk {
  /** Whole status, as a tenant may see it; what cannot be asked is null, and its duty is down. */
  readonly of: (tenant: string) => Promise<InstallationStatus>;
  /** Whether every duty runs. Asks nobody. */
  readonly readiness: () => InstallationStatus['state'];
  /** Why what running duties say cannot be relied on at present; empty where it can. Asks nobody. */
  readonly strains: () => readonly string[];
}

/** Opens the desk. */
export function createStatus(sources: StatusSources): StatusDesk {
  const { version, site, startedMs, busServer, bus, registry, desk } = sources;
  const duties = (): DutyStatus[] => desk.duties();
  const readiness = (): InstallationStatus['state'] => (duties().every((duty) => duty.state === 'running') ? 'ready' : 'degraded');
  const strains = (): string[] => duties().flatMap(({ strain }) => strain ?? []);
  return {
    readiness,
    strains,
    async of(tenant) {
      const [streams, totals, alerts, rules, correlations] = await Promise.all([
        unlessUnreachable(readStreams(sources)),
        unlessDown(desk.store.totals()),
        unlessDown(desk.store.countAlerts(tenant)),
        unlessDown(desk.detect.rules(tenant)),
        unlessDown(desk.detect.folds()),
      ]);
      return {
        version,
        site,
        state: Array.isArray(streams) && strains().length === 0 ? readiness() : 'degraded',
        startedMs,
        guarantees: bus.guarantees,
        busServer,
        duties: Array.isArray(streams) ? duties() : [...duties(), { duty: 'bus', state: 'failed', restarts: 0, reason: streams.message }],
        members: desk.members().map(memberStatus),
        streams: Array.isArray(streams) ? streams : null,
        events: totals && { stored: totals.events, duplicates: totals.duplicates },
        alerts,
        rules: rules && {
          loaded: rules.rules.length,
          refused: rules.refused.length,
          quarantined: rules.rules.filter((rule) => rule.quarantine !== undefined).length,
          ruleSet: rules.ruleSet,
        },
        correlations,
        sources: registry.list('source', tenant).filter((source) => source.value.revokedMs === undefined).length,
        gaps: totals && totals.missing,
      };
    },
  };
}

function memberStatus({ id, duties, holds, behindMs, host, process, version, startedMs }: MemberRecord): MemberStatus {
  return { member: id, duties, partitions: holds.match, foldShards: holds.correlate, behindMs, host, process, version, startedMs };
}

/** A duty's answer; null while it is down, which its state says too. */
async function unlessDown<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (isTocsinError(error, 'api.duty_down')) return null;
    throw error;
  }
}

/** What the bus answers, or the error by which it does not. */
async function unlessUnreachable<T>(answer: Promise<T>): Promise<T | TocsinError> {
  try {
    return await answer;
  } catch (error) {
    if (isTocsinError(error) && error.code.startsWith('bus.') && error.retry !== 'never') return error;
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
