/**
 * Names on the bus: every subject Tocsin writes or reads, in one place. Tenants and
 * other names become tokens through `encodeToken` only.
 */
import { decodeToken, encodeToken, type Lane } from '@tocsin/core';

/** First token of every subject: production, staging and each replay have their own. */
const NAMESPACE = 'tocsin';

/** Stream that holds a lane's frames. */
export const EVENTS_STREAM: Readonly<Record<Lane, string>> = { live: 'EVENTS_LIVE', bulk: 'EVENTS_BULK' };

/** Lanes in the order in which they are gone through. */
export const EVENT_LANES: readonly Lane[] = ['live', 'bulk'];

/** Subject of the frames of one lane, partition and tenant. */
export function eventsSubject(lane: Lane, partition: number, tenant: string): string {
  return `${NAMESPACE}.events.${lane}.${partition}.${encodeToken(tenant)}`;
}

/** Filter for all frames of a lane. */
export function eventsFilter(lane: Lane): string {
  return `${NAMESPACE}.events.${lane}.>`;
}

/** Filter for all frames of one lane and partition. */
export function partitionEventsFilter(lane: Lane, partition: number): string {
  return `${NAMESPACE}.events.${lane}.${partition}.>`;
}

/** Filter for one tenant's live frames. */
export function tenantEventsFilter(tenant: string): string {
  return `${NAMESPACE}.events.live.*.${encodeToken(tenant)}`;
}

/** Filter for one tenant's frames of a lane. */
export function tenantLaneFilter(lane: Lane, tenant: string): string {
  return `${NAMESPACE}.events.${lane}.*.${encodeToken(tenant)}`;
}

/** Filter for one tenant's alerts. */
export function tenantAlertsFilter(tenant: string): string {
  return `${NAMESPACE}.alerts.${encodeToken(tenant)}.*`;
}

/** Subject of a partition's match steps. */
export function matchesSubject(partition: number): string {
  return `${NAMESPACE}.matches.${partition}`;
}

/** Subject of one alert. */
export function alertSubject(tenant: string, alertId: string): string {
  return `${NAMESPACE}.alerts.${encodeToken(tenant)}.${encodeToken(alertId)}`;
}

/** Subject of a tenant's audit trail. */
export function auditSubject(tenant: string): string {
  return `${NAMESPACE}.audit.${encodeToken(tenant)}`;
}

/** Kinds of things configured at run time. */
export type ChangeKind = 'source' | 'credential' | 'person' | 'rule' | 'quarantine' | 'quota';

/** Subject of one configured thing: its newest message is its state. */
export function changeSubject(tenant: string, kind: ChangeKind, id: string): string {
  return `${NAMESPACE}.changes.${encodeToken(tenant)}.${kind}.${encodeToken(id)}`;
}

/** Subject of one thing that a consumer could not handle: its newest message is its state. */
export function deadLetterSubject(tenant: string, consumer: string, id: string): string {
  return `${NAMESPACE}.deadletter.${encodeToken(tenant)}.${encodeToken(consumer)}.${encodeToken(id)}`;
}

/** Filter for one tenant's dead letters: of one consumer or of all, one of them or all. */
export function deadLettersFilter(
  tenant: string,
  { consumer, id }: { consumer?: string | undefined; id?: string | undefined } = {},
): string {
  const token = (name: string | undefined): string => (name === undefined ? '*' : encodeToken(name));
  return `${NAMESPACE}.deadletter.${encodeToken(tenant)}.${token(consumer)}.${token(id)}`;
}

const RETRY = `${NAMESPACE}.retry.`;

/** Subject of what a consumer is to handle once more. */
export function retrySubject(consumer: string): string {
  return `${RETRY}${encodeToken(consumer)}`;
}

/** Whether a subject is one of `retrySubject`. */
export function isRetry(subject: string): boolean {
  return subject.startsWith(RETRY);
}

/** Subject on which a foreign producer publishes: one source's own. */
export function inSubject(tenant: string, source: string): string {
  return `${NAMESPACE}.in.${encodeToken(tenant)}.${encodeToken(source)}`;
}

/** Tenant and source that a subject of `IN_FILTER` names. @throws bus.bad_name where a token is none of a name's */
export function readInSubject(subject: string): { readonly tenant: string; readonly source: string } {
  const [, , tenant = '', source = ''] = subject.split('.');
  return { tenant: decodeToken(tenant), source: decodeToken(source) };
}

/** Filter over what foreign producers publish. */
export const IN_FILTER = `${NAMESPACE}.in.*.*`;

/** Subject on which an event of a tenant waits for its time. */
export function planSubject(tenant: string, id: string): string {
  return `${NAMESPACE}.later.plan.${encodeToken(tenant)}.${encodeToken(id)}`;
}

/** Filter over everything of one tenant that waits for its time. */
export function tenantPlansFilter(tenant: string): string {
  return `${NAMESPACE}.later.plan.${encodeToken(tenant)}.*`;
}

/** Subject on which an event of a source is put when its time has come. */
export function dueSubject(tenant: string, source: string): string {
  return `${NAMESPACE}.later.due.${encodeToken(tenant)}.${encodeToken(source)}`;
}

/** Tenant and source that a subject of `DUE_FILTER` names; undefined where it is none. @throws bus.bad_name where a token is none of a name's */
export function readDueSubject(subject: string): { readonly tenant: string; readonly source: string } | undefined {
  const [, stream, kind, tenant = '', source = ''] = subject.split('.');
  return stream === 'later' && kind === 'due' ? { tenant: decodeToken(tenant), source: decodeToken(source) } : undefined;
}

/** Filters over what waits for its time, over that whose time has come, and over both. */
export const PLANS_FILTER = `${NAMESPACE}.later.plan.*.*`;
export const DUE_FILTER = `${NAMESPACE}.later.due.*.*`;
export const LATER_FILTER = `${NAMESPACE}.later.*.*.*`;

/** First token of everything that replays write; the tenant and the run follow, then what stands behind `tocsin` in the live namespace. */
const REPLAY_NAMESPACE = 'tocsin-replay';

/** Namespace of one replay: what takes the place of `tocsin` in the subjects it writes. */
export function replayNamespace(tenant: string, run: string): string {
  return `${REPLAY_NAMESPACE}.${encodeToken(tenant)}.${encodeToken(run)}`;
}

/** A live subject or filter in the namespace of a replay. */
export function inReplay(namespace: string, live: string): string {
  return `${namespace}${live.slice(NAMESPACE.length)}`;
}

/** The live form of a subject of a replay. */
export function outOfReplay(namespace: string, subject: string): string {
  return `${NAMESPACE}${subject.slice(namespace.length)}`;
}

/** Whether a subject or filter is one of frames, which replays read where they are. */
export function isEvents(subject: string): boolean {
  return subject.startsWith(`${NAMESPACE}.events.`);
}

/** The same filter for frames of one tenant alone. */
export function eventsOfTenant(filter: string, tenant: string): string {
  const [, , lane = '', partition = '>'] = filter.split('.');
  return `${NAMESPACE}.events.${lane}.${partition === '>' ? '*' : partition}.${encodeToken(tenant)}`;
}

/** Parts of a replay that are one message each: what is asked of it, and how far it is. */
export type ReplayPart = 'order' | 'state';

/** Subject of a part of a replay. */
export function replaySubject(tenant: string, run: string, part: ReplayPart): string {
  return `${replayNamespace(tenant, run)}.${part}`;
}

/** Subject of one of the messages that hold a replay's own copy of its rules. */
export function replayRulesSubject(tenant: string, run: string, chunk: number): string {
  return `${replayNamespace(tenant, run)}.rules.${chunk}`;
}

/** Filter over everything of one replay. */
export function replayFilter(tenant: string, run: string): string {
  return `${replayNamespace(tenant, run)}.>`;
}

/** Filter over the orders and states of all replays. */
export const REPLAY_PARTS_FILTER = `${REPLAY_NAMESPACE}.*.*.*`;
/** Filter over the rules of all replays. */
export const REPLAY_RULES_FILTER = `${REPLAY_NAMESPACE}.*.*.rules.*`;
/** Filter over everything that replays write. */
export const REPLAYS_FILTER = `${REPLAY_NAMESPACE}.>`;

/** Subject on which catch-ups say that they are done, among the match steps. */
export const CATCH_UP_SUBJECT = `${NAMESPACE}.matches.catch-up`;
/** Filter over all match steps, and what stands among them. */
export const MATCHES_FILTER = `${NAMESPACE}.matches.>`;
/** Filter over all alerts. */
export const ALERTS_FILTER = `${NAMESPACE}.alerts.>`;
/** Filter over all audit records. */
export const AUDIT_FILTER = `${NAMESPACE}.audit.>`;
/** Filter over all configured things. */
export const CHANGES_FILTER = `${NAMESPACE}.changes.>`;
/** Filter over all dead letters. */
export const DEADLETTER_FILTER = `${NAMESPACE}.deadletter.>`;
/** Filter over everything that is to be handled once more. */
export const RETRY_FILTER = `${NAMESPACE}.retry.>`;
