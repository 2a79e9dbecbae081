/**
 * The correlation section (Sigma Correlation Rules 2.1) as a typed part of a rule: what kind it is, over which rules, in which groups and
 * time. Its condition is read in `correlation-condition.ts`. Keys beyond the specification: `without` (with `absence`), `window`, `suppress`.
 */
import { CORRELATION_KEYS, CORRELATION_TYPES } from './correlation.data.ts';
import { readCorrelationCondition } from './correlation-condition.ts';
import type { CorrelationRule, CorrelationType } from './parsed-rule.ts';
import { RuleFault } from './rule-fault.ts';
import { entry, isYamlMap, type YamlMap } from './yaml-map.ts';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const MAX_TIMESPAN_MS = 366 * 86_400_000;
const MAX_FIELDS = 16;
const MAX_REFERENCES = 1000;
/** Of a temporal correlation: a window keeps one bit per rule. */
const MAX_TEMPORAL_RULES = 30;

type CorrelationPart = Omit<CorrelationRule, 'kind' | 'meta' | 'location' | 'tests'>;

/** Correlation part of a rule. @throws RuleFault detect.bad_correlation */
export function readCorrelation(document: YamlMap): CorrelationPart {
  const section = entry(document, 'correlation');
  if (!isYamlMap(section)) throw fault('its correlation section is no map');
  for (const key of Object.keys(section)) {
    if (!CORRELATION_KEYS.includes(key)) throw fault(`"${key.slice(0, 64)}" is no part of a correlation`, key);
  }
  const type = readType(section);
  const references = readReferences(section, type);
  const without = texts(section, 'without', MAX_REFERENCES);
  if (without.length > 0 && type !== 'absence') throw fault(`only absence knows "without", not ${type}`, 'without');
  const both = without.find((reference) => references.includes(reference));
  if (both !== undefined) throw fault(`rule ${both} is both waited for and waited on`, 'without');
  const generate = generates(section, document);
  if (typeof generate !== 'boolean') throw fault('generate is neither true nor false', 'generate');
  return {
    type,
    references,
    without,
    groupBy: texts(section, 'group-by', MAX_FIELDS),
    aliases: readAliases(section, [...references, ...without]),
    timespanMs: readTime(section, 'timespan'),
    ...readCorrelationCondition(section, type, references),
    window: readWindow(section, type),
    suppressMs: readSuppression(section, type),
    generate,
  };
}

/** Rules that a correlation refers to and keeps from raising alerts of their own; what cannot be read of it is left out. */
export function silentReferences(document: unknown): string[] {
  const section = isYamlMap(document) ? entry(document, 'correlation') : undefined;
  if (!isYamlMap(document) || !isYamlMap(section) || generates(section, document) === true) return [];
  return [entry(section, 'rules'), entry(section, 'without')].flat().filter((reference) => typeof reference === 'string');
}

function generates(section: YamlMap, document: YamlMap): unknown {
  return entry(section, 'generate') ?? entry(document, 'generate') ?? false;
}

function readType(section: YamlMap): CorrelationType {
  const type = entry(section, 'type');
  const known = CORRELATION_TYPES.find((one) => one === type);
  if (known !== undefined) return known;
  const shown = (JSON.stringify(type) ?? 'nothing').slice(0, 64);
  throw fault(`correlation type ${shown} is unknown; known are ${CORRELATION_TYPES.join(', ')}`, 'type');
}

function readReferences(section: YamlMap, type: CorrelationType): string[] {
  const references = texts(section, 'rules', MAX_REFERENCES);
  if (references.length === 0) throw fault('the correlation refers to no rules', 'rules');
  if (type.startsWith('temporal') && references.length > MAX_TEMPORAL_RULES)
    throw fault(`a ${type} correlation takes ${MAX_TEMPORAL_RULES} rules at most, not ${references.length}`, 'rules');
  return references;
}

function readTime(section: YamlMap, key: string): number {
  const text = entry(section, key);
  const found = typeof text === 'string' ? /^([0-9]{1,9})([smhd])$/.exec(text) : null;
  const timeMs = found === null ? 0 : Number(found[1]) * (UNIT_MS[found[2] as string] as number);
  if (timeMs <= 0 || timeMs > MAX_TIMESPAN_MS)
    throw fault(`${key} ${(JSON.stringify(text) ?? 'nothing').slice(0, 64)} is no number of s, m, h or d between 1s and 366d`, key);
  return timeMs;
}

function readWindow(section: YamlMap, type: CorrelationType): 'sliding' | 'session' {
  const window = entry(section, 'window') ?? 'sliding';
  if (window !== 'sliding' && window !== 'session') throw fault('window is neither sliding nor session', 'window');
  if (window === 'session' && type === 'absence') throw fault('absence has no session windows', 'window');
  return window;
}

function readSuppression(section: YamlMap, type: CorrelationType): number {
  if (entry(section, 'suppress') === undefined) return 0;
  if (type === 'absence') throw fault('absence takes no suppress: it fires once per silence', 'suppress');
  return readTime(section, 'suppress');
}

function readAliases(section: YamlMap, references: readonly string[]): CorrelationRule['aliases'] {
  const written = entry(section, 'aliases');
  if (written === undefined || written === null) return new Map();
  if (!isYamlMap(written)) throw fault('aliases is no map', 'aliases');
  return new Map(
    Object.entries(written).map(([alias, fields]) => {
      if (!isYamlMap(fields)) throw fault(`alias ${alias} is no map of rules to fields`, 'aliases');
      for (const reference of references) {
        const field = entry(fields, reference);
        if (typeof field !== 'string' || field === '') throw fault(`alias ${alias} names no field for rule ${reference}`, 'aliases');
      }
      const stray = Object.keys(fields).find((reference) => !references.includes(reference));
      if (stray !== undefined) throw fault(`alias ${alias} names rule ${stray}, to which the correlation does not refer`, 'aliases');
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
