/** Puts the installation's status together from those who know: bus, threads, registry. What cannot be asked is told as such, never invented. */
import type { EventBus, ReplayLog, Topology } from '@tocsin/bus';
import { isTocsinError, type TocsinError } from '@tocsin/core';
import type { RefusalCount } from '@tocsin/ingest';
import type { SourceTotals } from '@tocsin/store';
import type { DutyDesk, FiguresAnswer } from '../duties/duty-desk.ts';
import type { RunningListener } from '../duties/start-listeners.ts';
import type { FlowControl } from '../flow/flow-control.ts';
import { describeListener } from '../members/member-figures.ts';
import type { MemberRecord } from '../members/member-record.ts';
import type { Registry } from '../registry/registry.ts';
import { isOperator, type Principal } from '../security/principal.ts';
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
  readonly desk: Pick<DutyDesk, 'store' | 'detect' | 'duties' | 'members' | 'figures'>;
  readonly flow: FlowControl;
  /** Listeners that run; filled when they are opened. */
  readonly listeners: readonly RunningListener[];
}

/** Who answers how the installation is doing. */
export interface StatusDesk {
  /** Whole status, as somebody may see it; what cannot be asked is null, and its duty is down. */
  readonly of: (principal: Principal) => Promise<InstallationStatus>;
  /** Whether every duty runs and nobody is too far behind. Asks nobody. */
  readonly readiness: () => InstallationStatus['state'];
  /** Why what running duties say cannot be relied on at present; empty where it can. Asks nobody. */
  readonly strains: () => readonly string[];
}

/** Opens the desk. */
export function createStatus(sources: StatusSources): StatusDesk {
  const { version, site, startedMs, busServer, bus, registry, desk, flow } = sources;
  const duties = (): DutyStatus[] => desk.duties();
  const readiness = (): InstallationStatus['state'] =>
    duties().every((duty) => duty.state === 'running') && !flow.isDegraded ? 'ready' : 'degraded';
  const strains = (): string[] => duties().flatMap(({ strain }) => strain ?? []);
  return {
    readiness,
    strains,
    async of(principal) {
      const { tenant } = principal;
      const all = isOperator(principal);
      const [streams, totals, alerts, rules, correlations, whole] = await Promise.all([
        unlessUnreachable(readStreams(sources)),
        unlessDown<Totals>(all ? desk.store.totals() : desk.store.sourceTotals(tenant).then(totalsOf)),
        unlessDown(desk.store.countAlerts(tenant)),
        unlessDown(desk.detect.rules(tenant)),
        unlessDown(desk.detect.folds()),
        all ? wholeOf(sources) : NOT_SHOWN,
      ]);
      return {
        version,
        site,
        state: isWhole(streams, whole) && strains().length === 0 ? readiness() : 'degraded',
        scope: all ? 'installation' : 'tenant',
        startedMs,
        guarantees: bus.guarantees,
        busServer,
        duties: Array.isArray(streams) ? duties() : [...duties(), { duty: 'bus', state: 'failed', restarts: 0, reason: streams.message }],
        ...whole,
        streams: all ? unlessError(streams) : null,
        events: totals && { stored: totals.events, duplicates: totals.duplicates },
        alerts,
        rules: rules && {
          loaded: rules.rules.length,
          refused: rules.refused.length,
          quarantined: rules.rules.filter((rule) => rule.quarantine !== undefined).length,
          ruleSet: rules.ruleSet,
        },
        correlations: all ? correlations : null,
        sources: registry.list('source', tenant).filter((source) => source.value.revokedMs === undefined).length,
        ...flowOf(flow, principal),
        gaps: totals && totals.missing,
      };
    },
  };
}

/** Processes and doors, those of other processes as they say: for whoever runs the installation. */
async function wholeOf({ desk, listeners }: StatusSources): Promise<Pick<InstallationStatus, 'members' | 'listeners'>> {
  // Before they are asked: whoever does not answer may be counted as gone by then.
  const records = desk.members();
  const figures = await desk.figures();
  const members = records.map((record) => memberStatus(record, figures.get(record.node) ?? 'no answer'));
  if (figures.size === 0) return { members, listeners: listeners.map(describeListener) };
  const everywhere = [...figures].flatMap(([node, answer]) =>
    typeof answer === 'string' ? [] : answer.listeners.map((listener) => ({ ...listener, member: node })),
  );
  return { members, listeners: everywhere };
}

/** Whether everybody has answered who was asked. */
function isWhole(streams: StreamStatus[] | TocsinError, { members }: Pick<InstallationStatus, 'members'>): boolean {
  return Array.isArray(streams) && members.every((one) => one.answers);
}

const NOT_SHOWN: Pick<InstallationStatus, 'members' | 'listeners'> = { members: [], listeners: [] };

function memberStatus({ holds, ...record }: MemberRecord, answer: FiguresAnswer): MemberStatus {
  const { id: member, duties, behindMs, host, process, version, startedMs } = record;
  const said = typeof answer === 'string' ? undefined : answer;
  return {
    member,
    duties,
    partitions: holds.match,
    foldShards: holds.correlate,
    behindMs,
    host,
    process,
    version,
    startedMs,
    answers: answer !== 'no answer',
    memoryBytes: said?.memoryBytes ?? null,
    states: said?.duties.filter(({ duty }) => duty.split(', ').some((one) => (duties as readonly string[]).includes(one))) ?? null,
  };
}

interface Totals {
  readonly events: number;
  readonly duplicates: number;
  readonly missing: number | null;
}

/** What flow control tells of: everything to who runs the installation, to others what was refused to them. */
function flowOf({ report, admission }: FlowControl, principal: Principal): Pick<InstallationStatus, 'lag' | 'alarms' | 'refused'> {
  if (isOperator(principal)) return { lag: report.lag, alarms: report.alarms, refused: admission.refusals.total() };
  return { lag: null, alarms: null, refused: sumOf([...admission.refusals.of(principal.tenant).values()].flat()) };
}

function unlessError<T>(answer: T | TocsinError): T | null {
  return isTocsinError(answer) ? null : answer;
}

/** One tenant's part of the totals: gaps are counted per partition, which tenants share. */
function totalsOf(sources: readonly SourceTotals[]): Totals {
  const sum = { events: 0, duplicates: 0, missing: null };
  for (const { events, duplicates } of sources) {
    // As the installation's total counts them: every stored copy.
    sum.events += events + duplicates;
    sum.duplicates += duplicates;
  }
  return sum;
}

/** The same reasons of several sources together. */
function sumOf(counts: readonly RefusalCount[]): RefusalCount[] {
  const sums = new Map<string, RefusalCount>();
  for (const { reason, requests, events, bytes } of counts) {
    const sum = sums.get(reason) ?? { reason, requests: 0, events: 0, bytes: 0 };
    sums.set(reason, { reason, requests: sum.requests + requests, events: sum.events + events, bytes: sum.bytes + bytes });
  }
  return [...sums.values()];
}

/** A duty's answer; null while it is down, which its state says too, or cannot answer. */
async function unlessDown<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (isTocsinError(error, 'api.duty_down') || isTocsinError(error, 'bus.answer_failed') || isTocsinError(error, 'bus.busy')) return null;
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
