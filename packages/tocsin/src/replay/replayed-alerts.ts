/** The alerts of a replay, read from its namespace: each as it last was, the newest event first. */
import type { ReplayLog } from '@tocsin/bus';
import { type Alert, TocsinError } from '@tocsin/core';
import type { AlertPage, AlertQuery } from '@tocsin/store';
import { parseAlert } from '../duties/alert-writer.ts';
import { alertSubject, inReplay, replayNamespace, tenantAlertsFilter } from '../subjects.ts';

/** An alert as a replay found it: nothing follows from it. */
export type ReplayedAlert = Alert & { readonly replay: string };

/** Most alerts that are looked at for a page; what a replay may write bounds them, too. */
const MOST_ALERTS = 100_000;

/** A page of a replay's alerts. @throws api.bad_request where `after` is no `next` of a page before */
export async function listReplayedAlerts(log: Pick<ReplayLog, 'read'>, run: string, query: AlertQuery): Promise<AlertPage> {
  const newest = new Map<string, Alert>();
  const filter = inReplay(replayNamespace(query.tenant, run), tenantAlertsFilter(query.tenant));
  for await (const stored of log.read(filter, 'first')) {
    const alert = parseAlert(stored);
    if (newest.size < MOST_ALERTS || newest.has(alert.id)) newest.set(alert.id, alert);
  }
  const fitting = [...newest.values()].filter((alert) => fits(alert, query)).sort((a, b) => b.lastMs - a.lastMs || (a.id < b.id ? -1 : 1));
  const from = query.after === undefined ? 0 : fitting.findIndex(({ id }) => id === query.after) + 1;
  // The first page again would have no end.
  if (query.after !== undefined && from === 0)
    throw new TocsinError('api.bad_request', { reason: '`after` is no `next` of a page before, with the same filters' });
  const alerts = fitting.slice(from, from + query.limit).map((alert): ReplayedAlert => ({ ...alert, replay: run }));
  return { alerts, ...(from + query.limit < fitting.length ? { next: alerts.at(-1)?.id } : {}) };
}

/** One of them; undefined where there is none. */
export async function getReplayedAlert(
  log: Pick<ReplayLog, 'last'>,
  run: string,
  { tenant, id }: { tenant: string; id: string },
): Promise<ReplayedAlert | undefined> {
  const stored = await log.last(inReplay(replayNamespace(tenant, run), alertSubject(tenant, id)));
  return stored && { ...parseAlert(stored), replay: run };
}

function fits(alert: Alert, { status, ruleId, severity = 0 }: AlertQuery): boolean {
  return (
    (status === undefined || alert.status === status) && (ruleId === undefined || alert.rule.id === ruleId) && alert.severity >= severity
  );
}
