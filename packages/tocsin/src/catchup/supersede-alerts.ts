/**
 * Marks alerts that a catch-up makes void: raised by a rule that had missed the beginning. Their events are in another alert by then, whose
 * id is the one that real time would have given.
 */
import type { EventBus, ReplayLog } from '@tocsin/bus';
import { type Alert, isTocsinError } from '@tocsin/core';
import { parseAlert } from '../duties/alert-writer.ts';
import type { StoreApi } from '../duties/store-api.ts';
import type { ThreadClient } from '../duties/thread-call.ts';
import { alertSubject } from '../subjects.ts';
import { type CatchUpJob, type FoundAlert, groupOf } from './catch-up-job.ts';

/** What is read and written. */
export interface SupersedeGround {
  readonly bus: Pick<EventBus, 'commit'> & Pick<ReplayLog, 'last'>;
  readonly store: Pick<ThreadClient<StoreApi>, 'listAlerts'>;
}

const PAGE = 500;

/** Marks them; resolves with how many there are. Doing it twice changes nothing. */
export async function supersedeAlerts(job: CatchUpJob, found: readonly FoundAlert[], { bus, store }: SupersedeGround): Promise<number> {
  const kept = new Set(found.map(({ id }) => id));
  let superseded = 0;
  for (const { id: ruleId } of job.targets) {
    const own = found.filter((one) => one.ruleId === ruleId);
    if (own.length === 0) continue;
    const fromMs = Math.min(...own.map(({ firstMs }) => firstMs));
    for await (const alert of alertsSince(store, { tenant: job.tenant, ruleId, fromMs })) {
      if (kept.has(alert.id) || alert.foldRevision >= job.revision) continue;
      const group = groupOf(alert.groupBy);
      const by = own.find((one) => one.group === group && one.firstMs <= alert.lastMs && one.lastMs >= alert.firstMs);
      if (by !== undefined && (await mark(bus, alert, { by: by.id, revision: job.revision }))) superseded += 1;
    }
  }
  return superseded;
}

/** Alerts of a rule whose last event is not before a time, the newest first. */
async function* alertsSince(
  store: SupersedeGround['store'],
  { tenant, ruleId, fromMs }: { tenant: string; ruleId: string; fromMs: number },
): AsyncGenerator<Alert, void, undefined> {
  for (let after: string | undefined; ; ) {
    const page = await store.listAlerts({ tenant, ruleId, limit: PAGE, after });
    for (const alert of page.alerts) {
      if (alert.lastMs < fromMs) return;
      yield alert;
    }
    if (page.next === undefined) return;
    after = page.next;
  }
}

/** False where it was marked, or written anew, before. Somebody who acts on it meanwhile is read again. */
async function mark(
  bus: SupersedeGround['bus'],
  { tenant, id }: Alert,
  { by, revision }: { by: string; revision: number },
): Promise<boolean> {
  const subject = alertSubject(tenant, id);
  for (;;) {
    const stored = await bus.last(subject);
    if (stored === undefined) return false;
    const alert = parseAlert(stored);
    if (alert.foldRevision >= revision) return false;
    const marked: Alert = { ...alert, foldRevision: revision, changedBy: 'catch-up', supersededBy: by };
    const body = Buffer.from(JSON.stringify(marked));
    try {
      await bus.commit([{ subject, id: `${id}.superseded.${stored.position}`, body, expect: stored.position }]);
      return true;
    } catch (error) {
      if (!isTocsinError(error, 'bus.fenced')) throw error;
    }
  }
}
