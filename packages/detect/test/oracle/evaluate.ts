// The reference evaluator of Sigma used as a differential oracle in tests. It is written from the specification, shares no
// code with the product's engine and prefers being obviously right to being fast. See README.md for the choices it makes
// where the specification is silent.

import { loadAll } from 'js-yaml';
import { carryOut } from './collection.ts';
import { evaluateCondition } from './condition.ts';
import { type Json, type OracleEvent, readField } from './fields.ts';
import { matchItem } from './item.ts';
import type { Values } from './placeholders.ts';
import { OracleRefusal } from './refusal.ts';

export type { Json, OracleEvent } from './fields.ts';
export { OracleRefusal } from './refusal.ts';

export type Detection = { readonly condition: string | readonly string[] } & { readonly [name: string]: Json };
export type Source = { readonly product?: string; readonly category?: string; readonly service?: string };
export type Rule = {
  readonly id?: string;
  readonly name?: string;
  readonly title: string;
  readonly logsource?: Source;
  readonly detection: Detection;
};
export type Filter = { readonly logsource: Source; readonly filter: Detection & { readonly rules?: Json } };
/** What is given beside a rule: the filters there are, and what placeholders stand for. */
export type Surroundings = { readonly filters?: readonly Filter[]; readonly placeholders?: Values };
export type Correlation = {
  readonly type: string;
  readonly rules: string | readonly string[];
  readonly 'group-by'?: string | readonly string[];
  readonly timespan: string;
  readonly condition?: { readonly [comparison: string]: number };
};
export type CorrelationRule = { readonly id?: string; readonly title: string; readonly correlation: Correlation };
export type TimedEvent = { readonly time: string; readonly event: OracleEvent };

/** One episode: from the first event of the first satisfying window to the last event that kept it going. */
export type CorrelationAlert = {
  readonly group: readonly string[];
  readonly first: string;
  readonly last: string;
  readonly events: number;
};

/** All documents of a rule file, with the older format's actions carried out. */
export function parseRules(yaml: string): Json[] {
  return carryOut((loadAll(yaml) as Json[]).filter((document) => document !== null && document !== undefined));
}

/** Whether the event satisfies the rule's detection, and every filter for it; the log source is the caller's business. @throws OracleRefusal */
export function evaluateRule(rule: Rule, event: OracleEvent, { filters = [], placeholders = {} }: Surroundings = {}): boolean {
  const own = filters.filter((filter) => isFor(filter, rule)).map(({ filter: { rules: _, ...detection } }) => detection as Detection);
  return [rule.detection, ...own].map((detection) => evaluateDetection(detection, event, placeholders)).every(Boolean);
}

function isFor({ filter, logsource }: Filter, rule: Rule): boolean {
  const { rules = 'any' } = filter;
  const isNamed = Array.isArray(rules) ? rules.some((one) => one === rule.id || one === rule.name) : String(rules).toLowerCase() === 'any';
  return isNamed && Object.entries(logsource).every(([part, wanted]) => rule.logsource?.[part as 'product'] === wanted);
}

function evaluateDetection(detection: Detection, event: OracleEvent, placeholders: Values): boolean {
  const { condition, ...identifiers } = detection;
  const conditions = Array.isArray(condition) ? condition : [condition];
  const names = Object.keys(identifiers).filter((name) => name !== 'timeframe');
  const answers = conditions.map((one) =>
    evaluateCondition(String(one), names, (name) => matchIdentifier(event, identifiers[name] as Json, placeholders)),
  );
  return answers.some(Boolean);
}

/**
 * Recounts from scratch. `rules` finds a referenced rule by id or name. `watermark` (ISO time) is how far event time is known
 * to have come, by default the latest event given. @throws OracleRefusal
 */
export function evaluateCorrelation(
  rule: CorrelationRule,
  rules: (reference: string) => Rule,
  events: readonly TimedEvent[],
  watermark?: string,
): CorrelationAlert[] {
  const { correlation } = rule;
  const base = [correlation.rules].flat().map(rules);
  const fields = [correlation['group-by'] ?? []].flat();
  const spanMs = timespanMs(correlation.timespan);
  const groups = new Map<string, TimedEvent[]>();
  for (const timed of events) {
    const key = groupKey(timed.event, fields);
    if (key === undefined || !base.some((one) => evaluateRule(one, timed.event))) continue;
    groups.set(key, [...(groups.get(key) ?? []), timed]);
  }
  const latestMs = watermark === undefined ? Math.max(...events.map(timeMs)) : Date.parse(watermark);
  return [...groups].flatMap(([key, members]) => {
    const sorted = [...members].sort((a, b) => timeMs(a) - timeMs(b));
    const group = JSON.parse(key) as string[];
    if (correlation.type === 'event_count') return countEpisodes(group, sorted, spanMs, correlation.condition ?? {});
    if (correlation.type === 'absence') return silences(group, sorted, spanMs, latestMs);
    throw new OracleRefusal(`correlation type ${correlation.type}`);
  });
}

/** The field's first value as text, or undefined: for the checks' grouping. */
export function fieldText(event: OracleEvent, name: string): string | undefined {
  const value = readField(event, name).values[0];
  return value === undefined || value === null ? undefined : String(value);
}

function matchIdentifier(event: OracleEvent, definition: Json, placeholders: Values): boolean {
  if (Array.isArray(definition)) {
    if (definition.length === 0) throw new OracleRefusal('empty search identifier');
    return definition.map((entry) => matchIdentifier(event, entry, placeholders)).some(Boolean);
  }
  if (definition === null || typeof definition !== 'object') return matchItem(event, { key: '', value: definition, placeholders });
  const lines = Object.entries(definition);
  if (lines.length === 0) throw new OracleRefusal('empty search identifier');
  return lines.map(([key, value]) => matchItem(event, { key, value: value as Json, placeholders })).every(Boolean);
}

/** Events without one of the group-by fields belong to no group and are not counted. */
function groupKey(event: OracleEvent, fields: readonly string[]): string | undefined {
  const parts = fields.map((field) => readField(event, field).values[0]);
  if (parts.some((part) => part === undefined || part === null)) return undefined;
  return JSON.stringify(parts.map(String));
}

function countEpisodes(
  group: readonly string[],
  sorted: readonly TimedEvent[],
  spanMs: number,
  condition: Record<string, number>,
): CorrelationAlert[] {
  const episodes: CorrelationAlert[] = [];
  let open: Set<TimedEvent> | undefined;
  const close = (): void => {
    if (open) episodes.push(describe(group, [...open]));
    open = undefined;
  };
  sorted.forEach((last, i) => {
    // Everything at the same instant is counted together: order among equals must not matter.
    if (sorted[i + 1] !== undefined && timeMs(sorted[i + 1] as TimedEvent) === timeMs(last)) return;
    const window = sorted.filter((one) => timeMs(one) <= timeMs(last) && timeMs(one) >= timeMs(last) - spanMs);
    if (!meets(window.length, condition)) return close();
    open = new Set([...(open ?? []), ...window]);
  });
  close();
  return episodes;
}

function silences(group: readonly string[], sorted: readonly TimedEvent[], spanMs: number, latestMs: number): CorrelationAlert[] {
  return sorted.flatMap((one, i) => {
    const nextMs = sorted[i + 1] === undefined ? latestMs : timeMs(sorted[i + 1] as TimedEvent);
    return nextMs - timeMs(one) > spanMs ? [describe(group, [one])] : [];
  });
}

function describe(group: readonly string[], members: readonly TimedEvent[]): CorrelationAlert {
  return { group, first: (members[0] as TimedEvent).time, last: (members.at(-1) as TimedEvent).time, events: members.length };
}

function meets(count: number, condition: Record<string, number>): boolean {
  return Object.entries(condition).every(([comparison, limit]) => {
    if (comparison === 'gt') return count > limit;
    if (comparison === 'gte') return count >= limit;
    if (comparison === 'lt') return count < limit;
    if (comparison === 'lte') return count <= limit;
    if (comparison === 'eq') return count === limit;
    if (comparison === 'neq') return count !== limit;
    throw new OracleRefusal(`comparison ${comparison}`);
  });
}

function timespanMs(text: string): number {
  const parts = /^(\d+)([smhd])$/.exec(text);
  if (!parts) throw new OracleRefusal(`timespan ${text}`);
  return Number(parts[1]) * { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[parts[2] as 's'];
}

function timeMs(timed: TimedEvent): number {
  return Date.parse(timed.time);
}
