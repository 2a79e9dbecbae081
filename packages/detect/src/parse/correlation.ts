/** The correlation section (Sigma Correlation Rules 2.1): `event_count` in full, and `absence`, Tocsin's extension. */
import type { Comparison, CorrelationRule } from './parsed-rule.ts';
import { RuleFault } from './rule-fault.ts';
import { entry, isYamlMap, type YamlMap } from './yaml-map.ts';

const COMPARISONS: readonly string[] = ['gt', 'gte', 'lt', 'lte', 'eq', 'neq'];
const LATER_TYPES: readonly string[] = ['value_count', 'temporal', 'temporal_ordered', 'value_sum', 'value_avg', 'value_percentile'];
const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const MAX_TIMESPAN_MS = 366 * 86_400_000;
const MAX_FIELDS = 16;
const MAX_REFERENCES = 1000;

type CorrelationPart = Omit<CorrelationRule, 'kind' | 'meta' | 'location' | 'tests'>;

/** Correlation part of a rule. @throws RuleFault detect.bad_correlation, detect.unsupported */
export function readCorrelation(document: YamlMap): CorrelationPart {
  const section = entry(document, 'correlation');
  if (!isYamlMap(section)) throw fault('its correlation section is no map');
  const type = readType(section);
  const references = texts(section, 'rules', MAX_REFERENCES);
  if (references.length === 0) throw fault('the correlation refers to no rules', 'rules');
  const generate = generates(section, document);
  if (typeof generate !== 'boolean') throw fault('generate is neither true nor false', 'generate');
  return {
    type,
    references,
    groupBy: texts(section, 'group-by', MAX_FIELDS),
    aliases: readAliases(section, references),
    timespanMs: readTimespan(section),
    condition: type === 'absence' ? noCondition(section) : readCondition(section),
    generate,
  };
}

/** Rules that a correlation refers to and keeps from raising alerts of their own; what cannot be read of it is left out. */
export function silentReferences(document: unknown): string[] {
  const section = isYamlMap(document) ? entry(document, 'correlation') : undefined;
  if (!isYamlMap(document) || !isYamlMap(section) || generates(section, document) === true) return [];
  const references = entry(section, 'rules');
  return (Array.isArray(references) ? references : [references]).filter((reference) => typeof reference === 'string');
}

function generates(section: YamlMap, document: YamlMap): unknown {
  return entry(section, 'generate') ?? entry(document, 'generate') ?? false;
}

function readType(section: YamlMap): 'event_count' | 'absence' {
  const type = entry(section, 'type');
  if (type === 'event_count' || type === 'absence') return type;
  if (typeof type === 'string' && LATER_TYPES.includes(type)) {
    throw new RuleFault('detect.unsupported', `correlations of type ${type} are not evaluated yet`, ['correlation', 'type']);
  }
  throw fault(`correlation type ${JSON.stringify(type)} is unknown`, 'type');
}

function readTimespan(section: YamlMap): number {
  const text = entry(section, 'timespan');
  const found = typeof text === 'string' ? /^([0-9]{1,9})([smhd])$/.exec(text) : null;
  const timespanMs = found === null ? 0 : Number(found[1]) * (UNIT_MS[found[2] as string] as number);
  if (timespanMs <= 0 || timespanMs > MAX_TIMESPAN_MS)
    throw fault(`timespan ${JSON.stringify(text)} is no number of s, m, h or d between 1s and 366d`, 'timespan');
  return timespanMs;
}

function readCondition(section: YamlMap): CorrelationPart['condition'] {
  const condition = entry(section, 'condition');
  if (!isYamlMap(condition) || Object.keys(condition).length === 0)
    throw fault('event_count needs a condition such as { gte: 10 }', 'condition');
  return Object.entries(condition).map(([comparison, limit]) => {
    if (!COMPARISONS.includes(comparison)) throw fault(`"${comparison}" is no comparison of a count`, 'condition');
    if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 0) throw fault(`${comparison} needs a whole number`, 'condition');
    return { comparison: comparison as Comparison, limit };
  });
}

function noCondition(section: YamlMap): [] {
  if (entry(section, 'condition') !== undefined) throw fault('absence takes no condition', 'condition');
  return [];
}

function readAliases(section: YamlMap, references: readonly string[]): CorrelationRule['aliases'] {
  const written = entry(section, 'aliases');
  if (written === undefined || written === null) return new Map();
  if (!isYamlMap(written)) throw fault('aliases is no map', 'aliases');
  return new Map(
    Object.entries(written).map(([alias, fields]) => {
      if (!isYamlMap(fields)) throw fault(`alias ${alias} is no map of rules to fields`, 'aliases');
      for (const reference of references) {
        if (typeof entry(fields, reference) !== 'string') throw fault(`alias ${alias} names no field for rule ${reference}`, 'aliases');
      }
      return [alias, new Map(Object.entries(fields).map(([reference, field]) => [reference, String(field)]))];
    }),
  );
}

function texts(section: YamlMap, key: string, most: number): string[] {
  const value = entry(section, key);
  if (value === undefined || value === null) return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length > most) throw fault(`${key} has more than ${most} entries`, key);
  return [
    ...new Set(
      list.map((item) => {
        if (typeof item !== 'string' || item === '' || item.length > 512) throw fault(`${key} holds something that is no name`, key);
        return item;
      }),
    ),
  ];
}

function fault(reason: string, key?: string): RuleFault {
  return new RuleFault('detect.bad_correlation', reason, key === undefined ? ['correlation'] : ['correlation', key]);
}
