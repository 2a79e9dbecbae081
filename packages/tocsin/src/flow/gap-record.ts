/** Gap records: how much unread data went, of whom, in exact counts, written to AUDIT before it goes and confirmed after. */
import type { ReplayLog, SubjectFilter } from '@tocsin/bus';
import type { Clock, Lane, Position } from '@tocsin/core';
import { openFed } from '../duties/frame-feed.ts';
import type { AuditRecord, AuditTrail } from '../security/audit-trail.ts';
import { OPERATING_TENANT } from '../security/principal.ts';

/** What goes of one tenant. */
export interface TenantGap {
  messages: number;
  /** Events in them; 0 where a message is no frame. */
  events: number;
  first: Position;
  last: Position;
  /** By `partition.epoch` of the framer: ordinals of the first and of the last event that go. */
  readonly ordinals: Record<string, [first: number, last: number]>;
}

/** What records are written with. */
export interface GapTrail {
  readonly trail: AuditTrail;
  readonly clock: Clock;
  readonly nextId: () => string;
}

/** Reads what stands up to a position and counts it by tenant; what is no frame is counted with the operating tenant. */
export async function countGap(
  log: Pick<ReplayLog, 'read'>,
  filter: SubjectFilter,
  upTo: Position,
): Promise<ReadonlyMap<string, TenantGap>> {
  const gaps = new Map<string, TenantGap>();
  const lane: Lane = filter.includes('.bulk.') ? 'bulk' : 'live';
  const isEvents = filter.includes('.events.');
  for await (const stored of log.read(filter, 'first', { until: upTo })) {
    const fed = isEvents ? openFed(lane, stored) : undefined;
    const gap = gapOf(gaps, fed?.tenant ?? OPERATING_TENANT, stored.position);
    gap.messages += 1;
    gap.last = stored.position;
    if (fed?.frame === undefined) continue;
    const { partition, epoch, ordinal, count } = fed.frame.header;
    gap.events += count;
    const [first = ordinal] = gap.ordinals[`${partition}.${epoch}`] ?? [];
    gap.ordinals[`${partition}.${epoch}`] = [first, ordinal + count - 1];
  }
  return gaps;
}

function gapOf(gaps: Map<string, TenantGap>, tenant: string, position: Position): TenantGap {
  let gap = gaps.get(tenant);
  if (gap === undefined)
    gaps.set(tenant, (gap = { messages: 0, events: 0, first: position, last: position, ordinals: Object.create(null) }));
  return gap;
}

/** Writes what is about to go, removes it, and writes that it went. Without the record nothing is removed. @throws bus errors */
export async function recordGap(
  { trail, clock, nextId }: GapTrail,
  { stream, gap }: { readonly stream: string; readonly gap: ReadonlyMap<string, TenantGap> },
  remove: () => Promise<number>,
): Promise<number> {
  const records = [...gap].map(
    ([tenant, after]): AuditRecord => ({
      id: nextId(),
      phase: 'intent',
      atMs: clock.nowMs(),
      tenant,
      actor: 'tocsin/retention-keeper',
      credentialId: 'none',
      action: 'installation.write',
      resource: `gap/${stream}`,
      after,
    }),
  );
  for (const record of records) await trail.append(record);
  const removed = await remove();
  for (const record of records) await trail.append({ ...record, phase: 'outcome', atMs: clock.nowMs(), result: 'done' });
  return removed;
}
