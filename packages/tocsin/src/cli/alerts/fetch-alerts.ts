/** Alerts by the API: listed over its pages, and found by the beginning of an id. */
import { type Alert, TocsinError } from '@tocsin/core';
import type { ApiClient } from '../api-client.ts';
import { SHORT_ID } from './alert-tables.ts';

/** Which alerts are asked for. */
export interface AlertFilter {
  readonly status?: string | undefined;
  readonly severity?: number | undefined;
  readonly rule?: string | undefined;
}

/** Where alerts are: the live ones, or those of a replay. */
export type AlertsPath = '/alerts' | `/replays/${string}/alerts`;

interface AlertPage {
  readonly alerts: readonly Alert[];
  readonly next?: string;
}

/** Most entries the API gives at a time. */
const PAGE = 1000;
/** Whole ids, 32 hex digits, need no look-up. */
const WHOLE_ID = 32;
/** Ids named when a beginning fits several. */
const NAMED = 5;

/** Alerts in the API's order, newest event first, at most `limit`. Reads page by page as they are taken. */
export async function* fetchAlerts(
  api: ApiClient,
  filter: AlertFilter,
  { limit, path = '/alerts' }: { limit: number; path?: AlertsPath | undefined },
): AsyncGenerator<Alert> {
  let left = limit;
  for (let after: string | undefined; left > 0; ) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries({ ...filter, limit: Math.min(PAGE, left), after }))
      if (value !== undefined) query.set(name, String(value));
    const page: AlertPage = await api.call<AlertPage>('GET', `${path}?${query.toString()}`);
    yield* page.alerts;
    left -= page.alerts.length;
    after = page.next;
    if (after === undefined || page.alerts.length === 0) return;
  }
}

/** The same as a list. */
export async function listAlerts(api: ApiClient, filter: AlertFilter, most: Parameters<typeof fetchAlerts>[2]): Promise<Alert[]> {
  const alerts: Alert[] = [];
  for await (const alert of fetchAlerts(api, filter, most)) alerts.push(alert);
  return alerts;
}

/** The whole id that begins with what was typed. @throws cli.no_alert, cli.ambiguous_alert */
export async function resolveAlertId(api: ApiClient, prefix: string, path?: AlertsPath): Promise<string> {
  const typed = prefix.toLowerCase();
  if (!/^[0-9a-f]{1,32}$/.test(typed)) throw new TocsinError('cli.no_alert', { prefix });
  if (typed.length === WHOLE_ID) return typed;
  const ids = new Set<string>();
  for await (const alert of fetchAlerts(api, {}, { limit: Number.POSITIVE_INFINITY, path })) {
    if (alert.id.startsWith(typed)) ids.add(alert.id);
    if (ids.size > NAMED) break;
  }
  const [id, other] = ids;
  if (id === undefined) throw new TocsinError('cli.no_alert', { prefix });
  if (other !== undefined)
    throw new TocsinError('cli.ambiguous_alert', {
      prefix,
      ids: [...ids].map((each) => each.slice(0, Math.max(SHORT_ID, typed.length + 4))),
    });
  return id;
}
