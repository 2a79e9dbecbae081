/** What the command line says about an alert in few words, and alerts put together by what they say. */
import type { Alert, EntityKind, SeverityId } from '@tocsin/core';

/** Alerts of one rule about one entity. */
export interface FoundAlert {
  /** Id of the rule. */
  readonly rule: string;
  readonly title: string;
  readonly technique: string;
  readonly severity: SeverityId;
  readonly host: string | null;
  readonly user: string | null;
  /** What the rule groups by. */
  readonly entity: string;
  /** Events counted, by all these alerts together. */
  readonly count: number;
  /** How many alerts these are. */
  readonly alerts: number;
  /** The newest one's id. */
  readonly id: string;
}

/** First value of an entity kind. */
export function entityOf(alert: Alert, kind: EntityKind): string | null {
  return alert.entities.find((entity) => entity.kind === kind)?.value ?? null;
}

/** The values an alert's rule groups by, joined by spaces; without any, its first entity. */
export function groupOf(alert: Alert): string {
  const values = Object.values(alert.groupBy);
  return values.length > 0 ? values.join(' ') : (alert.entities[0]?.value ?? '');
}

/** First ATT&CK technique; empty where the rule names none. */
export function techniqueOf(alert: Alert): string {
  return alert.rule.techniques[0] ?? '';
}

/** Alerts by rule and entity, the most severe first, then by title and entity. */
export function foundAlerts(alerts: Iterable<Alert>): FoundAlert[] {
  return gather(alerts, (alert) => JSON.stringify([alert.rule.id, groupOf(alert)]));
}

/** Alerts by what a table shows: rule, host and user. */
export function foundRows(alerts: Iterable<Alert>): FoundAlert[] {
  return gather(alerts, (alert) => JSON.stringify([alert.rule.id, entityOf(alert, 'host'), entityOf(alert, 'user')]));
}

function gather(alerts: Iterable<Alert>, keyOf: (alert: Alert) => string): FoundAlert[] {
  const found = new Map<string, FoundAlert>();
  for (const alert of [...alerts].sort((a, b) => a.firstMs - b.firstMs)) {
    const key = keyOf(alert);
    const known = found.get(key);
    found.set(key, known ? { ...known, count: known.count + alert.count, alerts: known.alerts + 1, id: alert.id } : firstOf(alert));
  }
  return [...found.values()].sort((a, b) => b.severity - a.severity || compare(a.title, b.title) || compare(a.entity, b.entity));
}

function firstOf(alert: Alert): FoundAlert {
  return {
    rule: alert.rule.id,
    title: alert.rule.title,
    technique: techniqueOf(alert),
    severity: alert.severity,
    host: entityOf(alert, 'host'),
    user: entityOf(alert, 'user'),
    entity: groupOf(alert),
    count: alert.count,
    alerts: 1,
    id: alert.id,
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
