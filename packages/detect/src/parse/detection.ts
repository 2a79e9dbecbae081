/** The detection section: search identifiers and condition of a rule about single events, and the log source it asks for. */
import { type ConditionNode, parseCondition } from './condition.ts';
import type { ItemSpec } from './item-spec.ts';
import type { DetectionRule, RuleLogSource, Selection } from './parsed-rule.ts';
import { readItem } from './read-item.ts';
import { type DocumentPath, RuleFault } from './rule-fault.ts';
import { entry, isYamlMap, type YamlMap } from './rule-metadata.ts';

const MAX_SELECTIONS = 500;
const MAX_NESTING = 8;

/** Detection part of a rule. @throws RuleFault of the part that is wrong */
export function readDetection(document: YamlMap): Pick<DetectionRule, 'logSource' | 'selections' | 'condition' | 'needsValues'> {
  const detection = entry(document, 'detection');
  if (!isYamlMap(detection)) throw new RuleFault('detect.bad_rule', 'it has no detection section', ['detection']);
  const selections = new Map<string, Selection>();
  for (const [name, definition] of Object.entries(detection)) {
    // `timeframe` belongs to the aggregations that Sigma 2 gave up; rules still carry it.
    if (name === 'condition' || name === 'timeframe') continue;
    selections.set(name, readSelection(definition, ['detection', name], 0));
  }
  if (selections.size === 0) throw new RuleFault('detect.bad_rule', 'its detection has no search identifier', ['detection']);
  if (selections.size > MAX_SELECTIONS)
    throw new RuleFault('detect.bad_rule', `it has more than ${MAX_SELECTIONS} search identifiers`, ['detection']);
  const needsValues = [...selections.values()]
    .flatMap(itemsOf)
    .flatMap((item) => item.values.flatMap((value) => (value.test.kind === 'placeholder' ? value.test.names : [])));
  return {
    logSource: readLogSource(document),
    selections,
    condition: readConditions(detection, [...selections.keys()]),
    needsValues: [...new Set(needsValues)],
  };
}

/** Every line of a selection. */
export function itemsOf(selection: Selection): readonly ItemSpec[] {
  return selection.kind === 'item' ? [selection.item] : selection.parts.flatMap(itemsOf);
}

function readSelection(definition: unknown, path: DocumentPath, depth: number): Selection {
  if (depth > MAX_NESTING) throw new RuleFault('detect.bad_rule', `a search identifier nests deeper than ${MAX_NESTING} lists`, path);
  if (Array.isArray(definition)) {
    if (definition.length === 0) throw new RuleFault('detect.bad_rule', 'a search identifier is an empty list', path);
    // A list of plain values is one line of keywords, so that it is searched in one go.
    if (definition.every((part) => part === null || typeof part !== 'object'))
      return { kind: 'item', item: readItem('', definition, path) };
    return { kind: 'any', parts: definition.map((part, index) => readSelection(part, [...path, index], depth + 1)) };
  }
  if (!isYamlMap(definition)) return { kind: 'item', item: readItem('', definition, path) };
  const lines = Object.entries(definition);
  if (lines.length === 0) throw new RuleFault('detect.bad_rule', 'a search identifier is an empty map', path);
  return { kind: 'all', parts: lines.map(([key, value]) => ({ kind: 'item', item: readItem(key, value, [...path, key]) })) };
}

function readConditions(detection: YamlMap, names: readonly string[]): ConditionNode {
  const written = entry(detection, 'condition');
  const texts: readonly unknown[] = Array.isArray(written) ? written : [written];
  if (texts.length === 0 || texts.some((text) => typeof text !== 'string')) {
    throw new RuleFault('detect.bad_condition', 'the detection has no condition', ['detection', 'condition']);
  }
  const nodes = texts.map((text) => parseCondition(text as string, names));
  return nodes.length === 1 ? (nodes[0] as ConditionNode) : { kind: 'or', operands: nodes };
}

function readLogSource(document: YamlMap): RuleLogSource {
  const logSource = entry(document, 'logsource');
  if (!isYamlMap(logSource)) throw new RuleFault('detect.bad_rule', 'it has no logsource section', ['logsource']);
  const part = (key: string): string | undefined => {
    const value = entry(logSource, key);
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'string' || value.trim() === '')
      throw new RuleFault('detect.bad_rule', `logsource ${key} is no text`, ['logsource', key]);
    return value.trim().toLowerCase();
  };
  const read: RuleLogSource = { product: part('product'), category: part('category'), service: part('service') };
  if (read.product === undefined && read.category === undefined && read.service === undefined) {
    throw new RuleFault('detect.bad_rule', 'its logsource names no product, category or service', ['logsource']);
  }
  return read;
}
