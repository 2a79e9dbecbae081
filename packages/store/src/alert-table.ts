/**
 * The alert table: the newest state of every alert and the history of what people did to it, as a projection of ALERTS.
 * Nothing here decides anything; the truth is the log.
 */
import { type Alert, type AlertAct, type AlertStatus, type Position, type SeverityId, TocsinError } from '@tocsin/core';
import { openProjection, type Projection, type ProjectionOptions } from './projection.ts';

/** Which alerts to list; every bound is optional but the tenant. */
export interface AlertQuery {
  readonly tenant: string;
  readonly status?: AlertStatus | undefined;
  readonly ruleId?: string | undefined;
  /** Least severity. */
  readonly severity?: SeverityId | undefined;
  /** 1 … 1000. */
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: string | undefined;
}

/** A page of alerts, newest event first. */
export interface AlertPage {
  readonly alerts: readonly Alert[];
  /** Where the next page starts; absent on the last. */
  readonly next?: string | undefined;
}

/** An alert with what was done to it, oldest act first. */
export interface AlertDetail {
  readonly alert: Alert;
  readonly history: readonly AlertAct[];
}

/** One message of ALERTS. */
export interface AlertChange {
  readonly position: Position;
  /** Number of the message in its stream. */
  readonly sequence: number;
  readonly alert: Alert;
}

/** The open alert table. */
export interface AlertTable extends Disposable {
  /** Last position applied; absent before the first. */
  applied(): Position | undefined;
  /** Applies messages in stream order and records the last one's position, all in one transaction. */
  apply(changes: readonly AlertChange[]): void;
  /** @throws api.bad_request where `after` is no `next` of a page before */
  list(query: AlertQuery): AlertPage;
  /** Undefined for an alert of another tenant as for one that does not exist. */
  get(tenant: string, id: string): AlertDetail | undefined;
  /** Number of alerts per status. */
  counts(tenant: string): Readonly<Record<AlertStatus, number>>;
  /** Forgets alerts whose newest message the log no longer keeps, with their history; answers how many. `upTo` is the number of the last that was removed. */
  forget(upTo: number): number;
}

const STREAM = 'ALERTS';
/** In place of the status of an alert that is not listed any more. */
const SUPERSEDED = 'superseded';
const SCHEMA = {
  version: 2,
  sql: `
    CREATE TABLE alerts (
      tenant TEXT NOT NULL, id TEXT NOT NULL, rule_id TEXT NOT NULL, severity INTEGER NOT NULL, status TEXT NOT NULL,
      count INTEGER NOT NULL, last_ms INTEGER NOT NULL, body TEXT NOT NULL, sequence INTEGER NOT NULL,
      PRIMARY KEY (tenant, id)
    ) WITHOUT ROWID;
    CREATE INDEX alerts_newest ON alerts (tenant, last_ms DESC, id);
    CREATE INDEX alerts_by_place ON alerts (sequence);
    CREATE TABLE acts (
      tenant TEXT NOT NULL, id TEXT NOT NULL, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, actor TEXT NOT NULL, note TEXT,
      PRIMARY KEY (tenant, id, at_ms, kind, actor)
    ) WITHOUT ROWID;`,
};

/** Opens or creates the alert table. The caller disposes it. */
export function openAlertTable(options: ProjectionOptions): AlertTable {
  const projection = openProjection(options, SCHEMA);
  const write = alertWriter(projection);
  return {
    applied: () => projection.applied(STREAM),
    apply(changes) {
      const last = changes.at(-1);
      if (last) projection.apply(STREAM, last.position, () => changes.forEach(write));
    },
    list: (query) => listAlerts(projection, query),
    get: (tenant, id) => getAlert(projection, tenant, id),
    counts: (tenant) => countAlerts(projection, tenant),
    forget: (upTo) => forgetAlerts(projection, upTo),
    [Symbol.dispose]: () => projection[Symbol.dispose](),
  };
}

function alertWriter({ db }: Projection): (change: AlertChange) => void {
  const upsert = db.prepare(
    `INSERT INTO alerts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, id) DO UPDATE SET rule_id = excluded.rule_id,
     severity = excluded.severity, status = excluded.status, count = excluded.count, last_ms = excluded.last_ms, body = excluded.body, sequence = excluded.sequence`,
  );
  // Every later message repeats the last act: the primary key keeps it once.
  const addAct = db.prepare('INSERT OR IGNORE INTO acts VALUES (?, ?, ?, ?, ?, ?)');
  return ({ alert, sequence }) => {
    const { tenant, id, rule, severity, count, lastMs, lastAct } = alert;
    // One that another alert stands for is found by its id only.
    const status = alert.supersededBy === undefined ? alert.status : SUPERSEDED;
    upsert.run(tenant, id, rule.id, severity, status, count, lastMs, JSON.stringify(alert), sequence);
    if (lastAct) addAct.run(tenant, id, lastAct.atMs, lastAct.kind, lastAct.actor, lastAct.note ?? null);
  };
}

function listAlerts({ db }: Projection, query: AlertQuery): AlertPage {
  const [afterMs, afterId] = readCursor(query.after);
  const rows = db
    .prepare(
      `SELECT body, last_ms, id FROM alerts WHERE tenant = :tenant AND status <> '${SUPERSEDED}' AND (:status IS NULL OR status = :status)
       AND (:rule IS NULL OR rule_id = :rule) AND severity >= :severity
       AND (last_ms < :afterMs OR (last_ms = :afterMs AND id > :afterId)) ORDER BY last_ms DESC, id LIMIT :limit`,
    )
    .all({
      tenant: query.tenant,
      status: query.status ?? null,
      rule: query.ruleId ?? null,
      severity: query.severity ?? 0,
      afterMs,
      afterId,
      limit: query.limit + 1,
    });
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  return {
    alerts: page.map(readBody),
    next: rows.length > query.limit && last ? `${String(last['last_ms'])}.${String(last['id'])}` : undefined,
  };
}

/** Event time and id after which a page starts. @throws api.bad_request for what nobody gave out: the first page again would have no end */
function readCursor(cursor: string | undefined): [number, string] {
  if (cursor === undefined) return [Number.MAX_SAFE_INTEGER, ''];
  const [, ms, id] = /^(-?\d{1,16})\.([0-9a-f]{1,64})$/.exec(cursor) ?? [];
  if (ms === undefined || id === undefined) throw new TocsinError('api.bad_request', { reason: '`after` is no `next` of a page before' });
  return [Number(ms), id];
}

function getAlert({ db }: Projection, tenant: string, id: string): AlertDetail | undefined {
  const row = db.prepare('SELECT body FROM alerts WHERE tenant = ? AND id = ?').get(tenant, id);
  if (!row) return undefined;
  const acts = db.prepare('SELECT kind, actor, at_ms, note FROM acts WHERE tenant = ? AND id = ? ORDER BY at_ms').all(tenant, id);
  return { alert: readBody(row), history: acts.map(readAct) };
}

function countAlerts({ db }: Projection, tenant: string): Record<AlertStatus, number> {
  const counts: Record<AlertStatus, number> = { new: 0, acknowledged: 0, resolved: 0, false_positive: 0 };
  for (const row of db
    .prepare('SELECT status, count(*) AS n FROM alerts WHERE tenant = ? AND status <> ? GROUP BY status')
    .all(tenant, SUPERSEDED)) {
    counts[row['status'] as AlertStatus] = Number(row['n']);
  }
  return counts;
}

function forgetAlerts({ db }: Projection, upTo: number): number {
  db.exec('BEGIN IMMEDIATE');
  try {
    db.prepare('DELETE FROM acts WHERE (tenant, id) IN (SELECT tenant, id FROM alerts WHERE sequence <= ?)').run(upTo);
    const { changes } = db.prepare('DELETE FROM alerts WHERE sequence <= ?').run(upTo);
    db.exec('COMMIT');
    return Number(changes);
  } catch (error) {
    // As in `apply` of a projection.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function readBody(row: Record<string, unknown>): Alert {
  return JSON.parse(String(row['body'])) as Alert;
}

function readAct(row: Record<string, unknown>): AlertAct {
  const note = row['note'];
  return {
    kind: row['kind'] as AlertAct['kind'],
    actor: String(row['actor']),
    atMs: Number(row['at_ms']),
    ...(typeof note === 'string' ? { note } : {}),
  };
}
