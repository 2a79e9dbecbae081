/** Looks at a rule about single events before any event comes: can its sources feed it, can its condition hold at all? */
import { routesTo } from '../compile/compile-rules.ts';
import { itemsOf } from '../parse/detection.ts';
import type { DetectionRule } from '../parse/parsed-rule.ts';
import { conditionOutcomes, type SelectionLimits } from './condition-outcomes.ts';
import { type Alternative, allows, alternativesOf, conflictingField, implies } from './line-conflicts.ts';
import type { FeedingSource, FieldPresence, NeverReason, RuleCheckup, SourceFacts } from './rule-checkup.ts';

/** The part of a checkup that is found out about a detection. */
export type DetectionFindings = Pick<RuleCheckup, 'canFire' | 'never' | 'doubts' | 'sources'>;

/** What stands in the way of a rule, among the sources there are. */
export function checkDetection(rule: DetectionRule, sources: readonly SourceFacts[]): DetectionFindings {
  const known = new Map([...rule.selections].map(([name, selection]) => [name, alternativesOf(selection)]));
  const limits = limitsOf(known);
  const outcome = conditionOutcomes(rule.condition, limits);
  const feeding = sources
    .filter(({ logSource }) => routesTo(rule.logSource, logSource))
    .map((facts) => feedingSource(rule, facts, { known, limits }));
  const never = [...ownReasons(rule, known, outcome), ...(outcome === 'never' ? [] : sourceReasons(rule, feeding))];
  return { canFire: never.length === 0, never, doubts: doubtsOf(rule, outcome, feeding), sources: feeding };
}

type Known = ReadonlyMap<string, readonly Alternative[] | undefined>;

function limitsOf(known: Known): SelectionLimits {
  const of = (name: string): readonly Alternative[] | undefined => known.get(name);
  return {
    canHold: (name) => of(name)?.some((lines) => !isImpossible(lines)) ?? true,
    together: (one, other) => {
      const left = of(one);
      const right = of(other);
      if (left === undefined || right === undefined || left.length * right.length > 400) return true;
      return left.some((a) => right.some((b) => conflictingField([...a, ...b]) === undefined));
    },
    implies: (one, other) => {
      const left = of(one);
      const right = of(other);
      if (left === undefined || right === undefined || left.length * right.length > 400) return false;
      return left.every((a) => right.some((b) => implies(a, b)));
    },
  };
}

function isImpossible(lines: Alternative): boolean {
  return lines.some(needsValues) || conflictingField(lines) !== undefined;
}

function needsValues(line: Alternative[number]): boolean {
  const waiting = line.values.filter(({ test }) => test.kind === 'placeholder').length;
  return !line.negated && (line.all ? waiting > 0 : waiting === line.values.length);
}

function ownReasons(rule: DetectionRule, known: Known, outcome: 'never' | 'always' | 'varies'): NeverReason[] {
  const reasons: NeverReason[] = [];
  if (rule.needsValues.length > 0)
    reasons.push({ code: 'needs_values', detail: `it waits for values of ${rule.needsValues.map((name) => `%${name}%`).join(', ')}` });
  if (outcome !== 'never' || rule.needsValues.length > 0) return reasons;
  const conflicts = [...known].flatMap(([name, alternatives]) => {
    const fields = alternatives?.map(conflictingField) ?? [];
    return fields.length > 0 && fields.every((field) => field !== undefined) ? [{ name, field: fields[0] ?? '' }] : [];
  });
  for (const { name, field } of conflicts)
    reasons.push({
      code: 'contradiction',
      detail: `${name} asks ${field} for values that no single value can have at once; only a list of values could`,
    });
  if (conflicts.length === 0)
    reasons.push({ code: 'constant_false', detail: 'its condition is false whatever the event holds: what it asks for, it also excludes' });
  return reasons;
}

function sourceReasons(rule: DetectionRule, feeding: readonly FeedingSource[]): NeverReason[] {
  if (feeding.length === 0) return [{ code: 'no_log_source', detail: `no source sends events of ${sayLogSource(rule)}` }];
  const open = feeding.filter(({ barred }) => barred === undefined);
  return open.length > 0 ? [] : [{ code: 'no_fitting_source', detail: sayBarred(feeding) }];
}

function sayBarred(feeding: readonly FeedingSource[]): string {
  const told = feeding.slice(0, 4).map(({ mapping, barred }) => `in ${mapping} ${barred ?? ''}`);
  return `none of its sources has what it asks for: ${told.join(', ')}${feeding.length > told.length ? ' and so on' : ''}`;
}

/** The log source as a rule asks for it: `product windows, category process_creation`. */
function sayLogSource({ logSource }: Pick<DetectionRule, 'logSource'>): string {
  return (['product', 'category', 'service'] as const)
    .flatMap((part) => (logSource[part] === undefined ? [] : [`${part} ${logSource[part]}`]))
    .join(', ');
}

function feedingSource(
  rule: DetectionRule,
  facts: SourceFacts,
  { known, limits }: { known: Known; limits: SelectionLimits },
): FeedingSource {
  const barredFields = new Set<string>();
  const canHold = (name: string): boolean => {
    const alternatives = known.get(name);
    if (alternatives === undefined) return true;
    return limits.canHold(name) && alternatives.some((lines) => fits(lines, facts, barredFields));
  };
  const barred = Object.keys(facts.fixed).length > 0 && conditionOutcomes(rule.condition, { ...limits, canHold }) === 'never';
  const fields = Object.fromEntries(fieldsOf(rule).map((field) => [field, presenceOf(field, facts)]));
  const field = [...barredFields][0];
  if (!barred || field === undefined) return { mapping: facts.logSource.mapping, fields };
  const has = facts.fixed[field]?.join(', ') ?? '';
  return {
    mapping: facts.logSource.mapping,
    fields,
    barred: `${field} is ${has}`,
  };
}

/** Whether lines can hold for events whose fixed fields have the mapping's values. */
function fits(lines: Alternative, { fixed }: SourceFacts, barredFields: Set<string>): boolean {
  const barred = Object.entries(fixed).find(([field, values]) => !allows(field, values.flatMap(spellings), lines));
  if (barred !== undefined) barredFields.add(barred[0]);
  return barred === undefined;
}

function spellings(value: string | number | boolean): readonly (string | number | boolean)[] {
  return typeof value === 'string' ? [value] : [value, String(value)];
}

function presenceOf(field: string, { logSource, mapped, seen }: SourceFacts): FieldPresence {
  if (seen?.has(field) === true) return 'seen';
  if (mapped.has(field) || Object.hasOwn(logSource.aliases, field)) return 'mapped';
  return seen === undefined ? 'unknown' : 'not_seen';
}

/** Fields that a rule names, each once, in its order. */
export function fieldsOf(rule: DetectionRule): string[] {
  const items = [...rule.selections.values()].flatMap(itemsOf);
  return [...new Set(items.flatMap((item) => (item.field === undefined ? [] : [item.field])))];
}

function doubtsOf(rule: DetectionRule, outcome: 'never' | 'always' | 'varies', feeding: readonly FeedingSource[]): string[] {
  const doubts: string[] = [];
  if (outcome === 'always' && rule.needsValues.length === 0)
    doubts.push('its condition is true whatever the event holds: it matches every event of its sources');
  const open = feeding.filter(({ barred }) => barred === undefined);
  const unseen = fieldsOf(rule).filter((field) => open.length > 0 && open.every(({ fields }) => fields[field] === 'not_seen'));
  if (unseen.length > 0) doubts.push(`no event looked at has ${unseen.join(', ')}`);
  return doubts;
}
