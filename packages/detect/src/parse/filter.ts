/**
 * Sigma filters (Sigma 2.1, "Sigma Filters"): one more condition for rules that are written elsewhere. A rule holds where its own
 * condition and those of all its filters hold, so a filter that leaves something out says `not selection`.
 */
import { sha256Hex } from '@tocsin/core';
import { readDetectionParts } from './detection.ts';
import type { DetectionRule, RuleFilter, RuleLogSource, RuleMetadata, Selection } from './parsed-rule.ts';
import type { PlaceholderValues } from './placeholders.ts';
import { RuleFault } from './rule-fault.ts';
import { entry, isYamlMap, withoutKeys, type YamlMap } from './yaml-map.ts';

const MAX_TARGETS = 5000;
const SECTION = ['filter'];

type FilterPart = Omit<RuleFilter, 'id' | 'title' | 'version' | 'location' | 'appliesTo'>;

/** Filter part of a document. @throws RuleFault of the part that is wrong */
export function readFilter(document: YamlMap, placeholders: PlaceholderValues): FilterPart {
  const section = entry(document, 'filter');
  if (!isYamlMap(section)) throw new RuleFault('detect.bad_rule', 'its filter section is no map', SECTION);
  const parts = readDetectionParts(withoutKeys(section, ['rules']), {
    path: SECTION,
    logSource: entry(document, 'logsource'),
    placeholders,
  });
  // A filter that cannot be judged would silence the rules it is added to; without it they say too much rather than nothing.
  if (parts.needsValues.length > 0)
    throw new RuleFault('detect.bad_rule', `the filter needs values for ${parts.needsValues.join(', ')}`, SECTION);
  const { logSource, selections, condition } = parts;
  return { logSource, selections, condition, targets: readTargets(entry(section, 'rules')) };
}

/** Whether a filter is meant for a rule, which may be known under several references. */
export function isMeantFor(filter: RuleFilter, references: readonly string[], logSource: RuleLogSource): boolean {
  const isTarget = filter.targets === 'any' || filter.targets.some((target) => references.includes(target));
  return isTarget && (['product', 'category', 'service'] as const).every((part) => agrees(filter.logSource[part], logSource[part]));
}

/** The rule with the filters' conditions added to its own. */
export function withFilters(rule: DetectionRule, filters: readonly RuleFilter[]): DetectionRule {
  if (filters.length === 0) return rule;
  const selections = new Map<string, Selection>(rule.selections);
  const conditions = filters.map((filter, index) => {
    const prefix = `filter ${index + 1} `;
    for (const [name, selection] of filter.selections) selections.set(`${prefix}${name}`, selection);
    return renamed(filter.condition, prefix);
  });
  const version = sha256Hex(JSON.stringify([rule.meta.version, ...filters.map((filter) => filter.version)]));
  const meta: RuleMetadata = { ...rule.meta, version };
  return { ...rule, meta, selections, condition: { kind: 'and', operands: [rule.condition, ...conditions] } };
}

type Condition = DetectionRule['condition'];

/** A blank is in no search identifier of a condition, so the new names cannot be taken. */
function renamed(node: Condition, prefix: string): Condition {
  if (node.kind === 'selection') return { ...node, name: `${prefix}${node.name}` };
  if (node.kind === 'atLeast') return { ...node, names: node.names.map((name) => `${prefix}${name}`) };
  if (node.kind === 'not') return { ...node, operand: renamed(node.operand, prefix) };
  return { ...node, operands: node.operands.map((operand) => renamed(operand, prefix)) };
}

function readTargets(rules: unknown): 'any' | readonly string[] {
  if (rules === undefined || rules === null || (typeof rules === 'string' && rules.toLowerCase() === 'any')) return 'any';
  const list: readonly unknown[] = Array.isArray(rules) ? rules : [rules];
  if (list.length === 0 || list.length > MAX_TARGETS || !list.every((target) => typeof target === 'string'))
    throw new RuleFault('detect.bad_rule', `filter rules is neither "any" nor a list of at most ${MAX_TARGETS} ids or names`, [
      ...SECTION,
      'rules',
    ]);
  return list as string[];
}

function agrees(wanted: string | undefined, given: string | undefined): boolean {
  return wanted === undefined || wanted === given;
}
