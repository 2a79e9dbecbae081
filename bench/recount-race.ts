/**
 * The correlations of the race counted over, event by event, as the specification words them: an independent check of what the folds
 * found. Reads only what those rules use (`contains`, `endswith`; windows with both ends included; one alert for each event at which the
 * condition holds), and shares no code with the product.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

interface Correlation {
  readonly type: string;
  readonly rules: readonly string[];
  readonly 'group-by': readonly string[];
  readonly timespan: string;
  readonly condition: { readonly gte: number; readonly field?: string };
}

interface Document {
  readonly id: string;
  readonly detection?: { readonly selection: Readonly<Record<string, string | readonly string[]>> };
  readonly correlation?: Correlation;
}

/** One event: when, which rules hold for it, and its fields. */
interface Seen {
  readonly timeMs: number;
  readonly rules: ReadonlySet<string>;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Id of each correlation → events at which it held. */
export function recountRace(laneFile: string, rulesFolder: string): Map<string, number> {
  const documents = readdirSync(rulesFolder).flatMap((name) =>
    parseAllDocuments(readFileSync(join(rulesFolder, name), 'utf8')).map((document) => document.toJS() as Document),
  );
  const tests = documents.flatMap(({ id, detection }) => (detection === undefined ? [] : [[id, testOf(detection.selection)] as const]));
  const lines = readFileSync(laneFile, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const events = lines.map((line): Seen => {
    const fields = JSON.parse(line) as Record<string, unknown>;
    const timeMs = Date.parse(String(fields['@timestamp']));
    return { timeMs, fields, rules: new Set(tests.flatMap(([id, test]) => (test(fields) ? [id] : []))) };
  });
  const correlations = documents.flatMap(({ id, correlation }) => (correlation === undefined ? [] : [[id, correlation] as const]));
  return new Map(correlations.map(([id, correlation]) => [id, recount(correlation, events)]));
}

function testOf(selection: NonNullable<Document['detection']>['selection']): (fields: Seen['fields']) => boolean {
  const items = Object.entries(selection).map(([key, wanted]) => {
    const [field, modifier] = key.split('|') as [string, string];
    if (modifier !== 'contains' && modifier !== 'endswith') throw new Error(`the recount does not know the modifier ${modifier}`);
    return { field, modifier, wanted: [wanted].flat().map((one) => String(one).toLowerCase()) };
  });
  return (fields) =>
    items.every(({ field, modifier, wanted }) => {
      const value = fields[field];
      if (typeof value !== 'string') return false;
      const text = value.toLowerCase();
      return wanted.some((one) => (modifier === 'contains' ? text.includes(one) : text.endsWith(one)));
    });
}

function recount({ type, rules, 'group-by': groupBy, timespan, condition }: Correlation, events: readonly Seen[]): number {
  const spanMs = milliseconds(timespan);
  const windows = new Map<string, Seen[]>();
  let held = 0;
  for (const event of events) {
    if (!rules.some((rule) => event.rules.has(rule))) continue;
    const values = [...groupBy, ...(condition.field === undefined ? [] : [condition.field])].map((name) => event.fields[name]);
    if (values.includes(undefined)) continue;
    const key = JSON.stringify(groupBy.map((name) => event.fields[name]));
    const window = (windows.get(key) ?? []).filter((one) => one.timeMs >= event.timeMs - spanMs);
    window.push(event);
    windows.set(key, window);
    if (measure(type, { rules, field: condition.field, window }) >= condition.gte) held += 1;
  }
  return held;
}

interface Measured {
  readonly rules: readonly string[];
  readonly field: string | undefined;
  readonly window: readonly Seen[];
}

function measure(type: string, { rules, field, window }: Measured): number {
  if (type === 'event_count') return window.length;
  if (type === 'value_count') return new Set(window.map((one) => one.fields[field ?? ''])).size;
  if (type === 'temporal') return rules.filter((rule) => window.some((one) => one.rules.has(rule))).length;
  if (type !== 'temporal_ordered') throw new Error(`the recount does not know the type ${type}`);
  let leading = 0;
  for (const one of window) while (leading < rules.length && one.rules.has(rules[leading] as string)) leading += 1;
  return leading;
}

function milliseconds(timespan: string): number {
  return Number(timespan.slice(0, -1)) * ({ s: 1000, m: 60_000 }[timespan.slice(-1)] ?? Number.NaN);
}
