/**
 * Events planned for later: each waits on LATER under an id, survives every restart there, and goes to its source's door at its time. Written as a
 * CloudEvent in binary mode whose id is that of the plan, so that an event that is put there twice is one event.
 */
import type { EventBus, ReplayLog, Stored } from '@tocsin/bus';
import { TocsinError } from '@tocsin/core';
import { dueSubject, planSubject, readDueSubject, tenantPlansFilter } from '../subjects.ts';

/** An event that waits for its time. */
export interface PlannedEvent {
  readonly id: string;
  readonly source: string;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly record: Uint8Array;
}

/** Most events that wait for one tenant, and bytes of one: what waits has no other limit. */
export const MAX_PLANNED = 1_000;
export const MAX_PLANNED_BYTES = 64 * 1024;
/** Type that CloudEvents of this kind have. */
const TYPE = 'tocsin.planned';

type PlanBus = Pick<EventBus, 'commit'> & Pick<ReplayLog, 'read' | 'last' | 'purge'>;

/** Keeps an event until its time. @throws api.exists for another of the same id that waits, door.too_many_planned, bus.* */
export async function planEvent(bus: PlanBus, tenant: string, { id, source, atMs, record }: PlannedEvent): Promise<void> {
  const waiting = await plannedEvents(bus, tenant);
  if (waiting.some((one) => one.id === id)) throw new TocsinError('api.exists', { what: 'planned event', id });
  if (waiting.length >= MAX_PLANNED) throw new TocsinError('door.too_many_planned', { most: MAX_PLANNED });
  const headers = {
    'ce-specversion': '1.0',
    'ce-id': encodeURIComponent(id),
    'ce-source': `/${encodeURIComponent(source)}`,
    'ce-type': TYPE,
  };
  const plan = { subject: dueSubject(tenant, source), atMs };
  await bus.commit([
    { subject: planSubject(tenant, id), id: `plan.${encodeURIComponent(id)}.${atMs}`, headers, body: record, plan, expect: 'none' },
  ]);
}

/** What waits for a tenant, by time. */
export async function plannedEvents(bus: Pick<ReplayLog, 'read'>, tenant: string): Promise<PlannedEvent[]> {
  const found: PlannedEvent[] = [];
  for await (const stored of bus.read(tenantPlansFilter(tenant), 'first')) {
    const event = plannedEventOf(stored);
    if (event !== undefined) found.push(event);
  }
  return found.sort((a, b) => a.atMs - b.atMs);
}

/** Calls one off; whether it still waited. */
export async function cancelPlanned(bus: Pick<ReplayLog, 'last' | 'purge'>, tenant: string, id: string): Promise<boolean> {
  const subject = planSubject(tenant, id);
  const waiting = await bus.last(subject);
  if (waiting === undefined) return false;
  return (await bus.purge(subject, waiting.position)) > 0;
}

function plannedEventOf({ plan, headers, body }: Stored): PlannedEvent | undefined {
  const due = plan && readDueSubject(plan.subject);
  if (plan === undefined || due === undefined) return undefined;
  return { id: decodeURIComponent(headers['ce-id'] ?? ''), source: due.source, atMs: plan.atMs, record: body };
}
