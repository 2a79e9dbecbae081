/**
 * The condition of a correlation: limits on a number, with the field that gives it, or (temporal types) an expression over rule names.
 * A condition that nothing can ever satisfy is refused here, since nobody would notice its silence.
 */
import { parseCondition } from './condition.ts';
import { COMPARISONS } from './correlation.data.ts';
import type { CorrelationRule, CorrelationType, Limit } from './parsed-rule.ts';
import { RuleFault } from './rule-fault.ts';
import { entry, isYamlMap, type YamlMap } from './yaml-map.ts';

const MAX_FIELDS = 8;
const MEDIAN = 50;

type ConditionPart = Pick<CorrelationRule, 'condition' | 'expression' | 'fields' | 'percentile'>;

const NOTHING: ConditionPart = { condition: [], expression: undefined, fields: [], percentile: undefined };

/** Condition of a correlation section. @throws RuleFault detect.bad_correlation */
export function readCorrelationCondition(section: YamlMap, type: CorrelationType, references: readonly string[]): ConditionPart {
  const condition = entry(section, 'condition');
  const isTemporal = type === 'temporal' || type === 'temporal_ordered';
  if (type === 'absence') {
    if (condition !== undefined) throw fault('absence takes no condition');
    return NOTHING;
  }
  if (isTemporal && condition === undefined) return { ...NOTHING, condition: [{ comparison: 'gte', limit: references.length }] };
  if (typeof condition === 'string') return readExpression(condition, type, references);
  if (!isYamlMap(condition)) throw fault(`${type} needs a condition such as { gte: 10 }`);
  const { field, percentile, ...limits } = condition;
  const read = readLimits(limits, type);
  refuseImpossible(read, type, references.length);
  return { ...NOTHING, condition: read, fields: readFields(field, type), percentile: readPercentile(percentile, type) };
}

function readExpression(text: string, type: CorrelationType, references: readonly string[]): ConditionPart {
  if (type !== 'temporal' && type !== 'temporal_ordered') throw fault(`only temporal correlations take an expression, not ${type}`);
  try {
    const expression = parseCondition(text, { names: references, path: ['correlation', 'condition'] });
    const named = namesIn(expression);
    const unnamed = references.find((reference) => !named.has(reference));
    if (unnamed !== undefined) throw fault(`the condition says nothing about rule ${unnamed}`);
    return { ...NOTHING, expression };
  } catch (error) {
    if (error instanceof RuleFault) throw fault(error.message);
    throw error;
  }
}

function namesIn(node: NonNullable<ConditionPart['expression']>): Set<string> {
  if (node.kind === 'selection') return new Set([node.name]);
  if (node.kind === 'atLeast') return new Set(node.names);
  if (node.kind === 'not') return namesIn(node.operand);
  return new Set(node.operands.flatMap((operand) => [...namesIn(operand)]));
}

function readLimits(limits: YamlMap, type: CorrelationType): Limit[] {
  const entries = Object.entries(limits);
  if (entries.length === 0) throw fault(`${type} needs a comparison such as gte: 10`);
  return entries.map(([name, limit]) => {
    const comparison = COMPARISONS.find((one) => one === name);
    if (comparison === undefined) throw fault(`"${name.slice(0, 64)}" is no comparison`);
    if (typeof limit !== 'number' || !Number.isFinite(limit)) throw fault(`${comparison} needs a number`);
    if (isCount(type) && (!Number.isInteger(limit) || limit < 0)) throw fault(`${comparison} needs a whole number`);
    return { comparison, limit };
  });
}

function isCount(type: CorrelationType): boolean {
  return type === 'event_count' || type === 'value_count' || type.startsWith('temporal');
}

/** A window ends at an event, so a count is at least 1; of rules it is at most as many as there are. */
function refuseImpossible(limits: readonly Limit[], type: CorrelationType, rules: number): void {
  const { low, high } = rangeOf(limits, isCount(type) ? [1, type.startsWith('temporal') ? rules : Number.POSITIVE_INFINITY] : undefined);
  const isOne = low === high && limits.every(({ comparison, limit }) => limit !== low || !EXCLUDING.includes(comparison));
  if (low > high || (low === high && !isOne))
    throw fault(
      `nothing can ever satisfy ${limits.map(({ comparison, limit }) => `${comparison} ${limit}`).join(', ')}${hint(type, high)}`,
    );
}

/** Comparisons that shut out the very number they name. */
const EXCLUDING: readonly string[] = ['gt', 'lt', 'neq'];

/** Least and greatest number within all limits; of counts, which are whole, `whole` are the bounds they have anyway. */
function rangeOf(limits: readonly Limit[], whole: readonly [number, number] | undefined): { low: number; high: number } {
  const step = whole === undefined ? 0 : 1;
  const among = (...comparisons: readonly string[]): number[] =>
    limits.flatMap(({ comparison, limit }) => (comparisons.includes(comparison) ? [limit] : []));
  return {
    low: Math.max(whole?.[0] ?? Number.NEGATIVE_INFINITY, ...among('gte', 'eq'), ...among('gt').map((limit) => limit + step)),
    high: Math.min(whole?.[1] ?? Number.POSITIVE_INFINITY, ...among('lte', 'eq'), ...among('lt').map((limit) => limit - step)),
  };
}

function hint(type: CorrelationType, high: number): string {
  if (type.startsWith('temporal')) return ': it counts the rules that were seen, of those that are named';
  return high < 1 && isCount(type) ? ': a window holds one event at least; for what does not happen there is the type absence' : '';
}

function readFields(field: unknown, type: CorrelationType): string[] {
  const list: readonly unknown[] = field === undefined ? [] : Array.isArray(field) ? field : [field];
  const isValue = type.startsWith('value_');
  if (isValue && list.length === 0) throw fault(`${type} needs the field whose values it looks at`);
  if (!isValue && list.length > 0) throw fault(`${type} looks at no field`);
  if (type !== 'value_count' && list.length > 1) throw fault(`${type} looks at one field`);
  if (list.length > MAX_FIELDS) throw fault(`more than ${MAX_FIELDS} fields`);
  return list.map((name) => {
    if (typeof name !== 'string' || name === '' || name.length > 512) throw fault('field holds something that is no name');
    return name;
  });
}

function readPercentile(percentile: unknown, type: CorrelationType): number | undefined {
  if (type === 'value_median' && percentile === undefined) return MEDIAN;
  if (type !== 'value_percentile') {
    if (percentile !== undefined) throw fault(`${type} takes no percentile`);
    return undefined;
  }
  if (percentile === undefined) return MEDIAN;
  if (typeof percentile !== 'number' || !(percentile >= 0 && percentile <= 100)) throw fault('percentile is no number from 0 to 100');
  return percentile;
}

function fault(reason: string): RuleFault {
  return new RuleFault('detect.bad_correlation', reason, ['correlation', 'condition']);
}
