// Recounts correlations from scratch: every window of every group, nothing kept from one to the next. Shares no code with the product.

import { evaluateCondition } from './condition.ts';

/** A correlation section as YAML gives it. */
export type Section = {
  readonly type: string;
  readonly rules: readonly string[];
  readonly 'group-by'?: readonly string[];
  readonly timespan: string;
  readonly condition?: string | { readonly [key: string]: unknown };
  readonly window?: string;
  readonly suppress?: string;
};

/** A match of one rule; matches of one event share its id. */
export type Hit = {
  readonly rule: string;
  readonly event: string;
  readonly timeMs: number;
  readonly fields: { readonly [name: string]: string };
};

/** An episode: first and last event, the events in it, and when its condition first held. */
export type Found = {
  readonly group: readonly string[];
  readonly firstMs: number;
  readonly lastMs: number;
  readonly events: number;
  readonly heldMs: number;
};

/** Everything a correlation comes to. `held` has each time at which a window that ends there satisfies the condition, with its number of events. */
export type Outcome = {
  readonly episodes: readonly Found[];
  readonly held: readonly { readonly group: readonly string[]; readonly timeMs: number; readonly events: number }[];
};

type Event = { readonly timeMs: number; readonly rules: readonly string[]; readonly fields: Hit['fields'] };

/** Recounts. */
export function recount(section: Section, hits: readonly Hit[]): Outcome {
  const groups = new Map<string, Hit[]>();
  for (const hit of hits) {
    const names = [...(section['group-by'] ?? []), ...valueFields(section)];
    if (!section.rules.includes(hit.rule) || names.some((name) => hit.fields[name] === undefined)) continue;
    if (isNumeric(section) && !Number.isFinite(Number(hit.fields[valueFields(section)[0] as string]))) continue;
    const key = JSON.stringify((section['group-by'] ?? []).map((name) => hit.fields[name]));
    groups.set(key, [...(groups.get(key) ?? []), hit]);
  }
  const outcomes = [...groups].map(([key, members]) => recountGroup(section, JSON.parse(key) as string[], eventsOf(members)));
  return { episodes: outcomes.flatMap((one) => one.episodes), held: outcomes.flatMap((one) => one.held) };
}

/** The hits that a correlation's outcome is to another: one per time at which it held, or one per episode. */
export function hitsOf(rule: string, section: Section, outcome: Outcome, each: 'held' | 'episode'): Hit[] {
  const times = each === 'held' ? outcome.held : outcome.episodes.map(({ group, heldMs }) => ({ group, timeMs: heldMs }));
  return times.map(({ group, timeMs }) => ({
    rule,
    event: `${rule} ${timeMs} ${group.join()}`,
    timeMs,
    fields: Object.fromEntries((section['group-by'] ?? []).map((name, index) => [name, group[index] as string])),
  }));
}

function eventsOf(hits: readonly Hit[]): Event[] {
  const byId = new Map<string, Hit[]>();
  for (const hit of hits) byId.set(hit.event, [...(byId.get(hit.event) ?? []), hit]);
  const events = [...byId.values()].map((same) => {
    const [first] = same as [Hit];
    return { timeMs: first.timeMs, fields: first.fields, rules: same.map((hit) => hit.rule) };
  });
  return events.sort((a, b) => a.timeMs - b.timeMs);
}

function recountGroup(section: Section, group: readonly string[], events: readonly Event[]): Outcome {
  const times = [...new Set(events.map((event) => event.timeMs))];
  const held = times.flatMap((timeMs) => {
    const window = windowEndingAt(section, events, timeMs);
    return holds(section, window) ? [{ group, timeMs, events: events.filter((one) => one.timeMs === timeMs).length, window }] : [];
  });
  const gapMs = section.suppress === undefined ? 0 : milliseconds(section.suppress);
  const spans: { firstMs: number; lastMs: number; heldMs: number }[] = [];
  for (const { timeMs, window } of held) {
    const from = (window[0] as Event).timeMs;
    const before = spans.at(-1);
    if (before !== undefined && from <= before.lastMs + gapMs) before.lastMs = timeMs;
    else spans.push({ firstMs: from, lastMs: timeMs, heldMs: timeMs });
  }
  const inside = ({ firstMs, lastMs }: { firstMs: number; lastMs: number }): number =>
    events.filter((one) => one.timeMs >= firstMs && one.timeMs <= lastMs).length;
  return { episodes: spans.map((span) => ({ group, ...span, events: inside(span) })), held };
}

function windowEndingAt(section: Section, events: readonly Event[], endMs: number): Event[] {
  const spanMs = milliseconds(section.timespan);
  const until = events.filter((one) => one.timeMs <= endMs);
  if (section.window !== 'session') return until.filter((one) => one.timeMs >= endMs - spanMs);
  let first = until.length - 1;
  while (first > 0 && (until[first] as Event).timeMs - (until[first - 1] as Event).timeMs <= spanMs) first -= 1;
  return until.slice(first);
}

function holds(section: Section, window: readonly Event[]): boolean {
  const { type, rules, condition } = section;
  const seen = new Set(window.flatMap((event) => event.rules));
  if (typeof condition === 'string') {
    if (!evaluateCondition(condition, [...rules], (name) => seen.has(name))) return false;
    const asked = rules.filter((rule) => seen.has(rule) && isAskedFor(condition, rules, rule));
    return type === 'temporal' || inOrder(asked, window);
  }
  if (type === 'event_count') return within(condition, window.length);
  if (type === 'temporal') return within(condition ?? { gte: rules.length }, seen.size);
  if (type === 'temporal_ordered') {
    const leading = rules.map((_, index) => index + 1).filter((count) => inOrder(rules.slice(0, count), window)).length;
    return within(condition ?? { gte: rules.length }, leading);
  }
  const fields = valueFields(section);
  const values = window.map((event) => JSON.stringify(fields.map((field) => event.fields[field])));
  if (type === 'value_count') return within(condition, new Set(values).size);
  const numbers = window.map((event) => Number(event.fields[fields[0] as string])).sort((a, b) => a - b);
  return within(condition, aggregate(section, numbers));
}

function aggregate(section: Section, numbers: readonly number[]): number {
  const sum = numbers.reduce((all, one) => all + one, 0);
  if (section.type === 'value_sum') return sum;
  if (section.type === 'value_avg') return sum / numbers.length;
  const given = (section.condition as { percentile?: number }).percentile;
  const rank = ((section.type === 'value_median' ? 50 : (given ?? 50)) / 100) * (numbers.length - 1);
  const [low, high] = [numbers[Math.floor(rank)] as number, numbers[Math.ceil(rank)] as number];
  return low + (rank - Math.floor(rank)) * (high - low);
}

/** Whether some events, one for each rule, stand in this order or at the same time. Tries them all. */
function inOrder(rules: readonly string[], window: readonly Event[], sinceMs = Number.NEGATIVE_INFINITY): boolean {
  const [rule, ...rest] = rules;
  if (rule === undefined) return true;
  return window.some((event) => event.timeMs >= sinceMs && event.rules.includes(rule) && inOrder(rest, window, event.timeMs));
}

/** Whether seeing a rule can make the expression true where not seeing it leaves it false. */
function isAskedFor(condition: string, rules: readonly string[], rule: string): boolean {
  for (let set = 0; set < 1 << rules.length; set++) {
    const has = (name: string, withRule: boolean): boolean => (name === rule ? withRule : (set & (1 << rules.indexOf(name))) !== 0);
    const [without, withIt] = [false, true].map((given) => evaluateCondition(condition, [...rules], (name) => has(name, given)));
    if (withIt === true && without === false) return true;
  }
  return false;
}

function within(condition: Section['condition'], value: number): boolean {
  return Object.entries(condition as { [key: string]: unknown }).every(([comparison, limit]) => {
    if (comparison === 'field' || comparison === 'percentile') return true;
    const given = limit as number;
    if (comparison === 'gt') return value > given;
    if (comparison === 'gte') return value >= given;
    if (comparison === 'lt') return value < given;
    if (comparison === 'lte') return value <= given;
    if (comparison === 'eq') return value === given;
    if (comparison === 'neq') return value !== given;
    throw new Error(`comparison ${comparison}`);
  });
}

function valueFields(section: Section): string[] {
  const field = typeof section.condition === 'object' ? section.condition['field'] : undefined;
  return field === undefined ? [] : ([field].flat() as string[]);
}

function isNumeric(section: Section): boolean {
  return section.type.startsWith('value_') && section.type !== 'value_count';
}

function milliseconds(text: string): number {
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(text) as unknown as [string, string, 's' | 'm' | 'h' | 'd'];
  return Number(amount) * { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit];
}
