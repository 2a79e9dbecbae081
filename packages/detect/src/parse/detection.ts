/** The detection section: search identifiers and condition of a rule about single events, and the log source it asks for. */
import { type ConditionContext, type ConditionNode, parseCondition } from './condition.ts';
import type { ItemSpec } from './item-spec.ts';
import type { DetectionRule, RuleLogSource, Selection } from './parsed-rule.ts';
import type { PlaceholderValues } from './placeholders.ts';
import { readItem } from './read-item.ts';
import { type DocumentPath, RuleFault } from './rule-fault.ts';
import { entry, isYamlMap, type YamlMap } from './yaml-map.ts';

const MAX_SELECTIONS = 500;
const MAX_NESTING = 8;
const MAX_LINES = 20_000;
const MAX_CONDITIONS = 100;

/** What a detection comes to. */
export type DetectionParts = Pick<DetectionRule, 'logSource' | 'selections' | 'condition' | 'needsValues'>;

/** Where a detection stands in its document and what it is read with. */
export interface DetectionContext {
  /** Path of the section. */
  readonly path: DocumentPath;
  /** The document's `logsource`, unread. */
  readonly logSource: unknown;
  readonly placeholders: PlaceholderValues;
}

/** Detection part of a rule. @throws RuleFault of the part that is wrong */
export function readDetection(document: YamlMap, placeholders: PlaceholderValues): DetectionParts {
  const detection = entry(document, 'detection');
  if (!isYamlMap(detection)) throw new RuleFault('detect.bad_rule', 'it has no detection section', ['detection']);
  return readDetectionParts(detection, { path: ['detection'], logSource: entry(document, 'logsource'), placeholders });
}

/** Search identifiers and condition of a section. @throws RuleFault of the part that is wrong */
export function readDetectionParts(section: YamlMap, context: DetectionContext): DetectionParts {
  const { path, placeholders } = context;
  // `timeframe` belongs to the aggregations that Sigma 2 gave up; rules still carry it.
  const definitions = Object.entries(section).filter(([name]) => name !== 'condition' && name !== 'timeframe');
  if (definitions.length === 0) throw new RuleFault('detect.bad_rule', 'its detection has no search identifier', path);
  if (definitions.length > MAX_SELECTIONS)
    throw new RuleFault('detect.bad_rule', `it has more than ${MAX_SELECTIONS} search identifiers`, path);
  const reading: Reading = { placeholders, linesLeft: MAX_LINES };
  const selections = new Map(
    definitions.map(([name, definition]) => [name, readSelection(definition, { path: [...path, name], depth: 0, reading })]),
  );
  const needsValues = [...selections.values()]
    .flatMap(itemsOf)
    .flatMap((item) => item.values.flatMap((value) => (value.test.kind === 'placeholder' ? value.test.names : [])));
  return {
    logSource: readLogSource(context.logSource),
    selections,
    condition: readConditions(section, { names: [...selections.keys()], path: [...path, 'condition'] }),
    needsValues: [...new Set(needsValues)],
  };
}

/** Every line of a selection. */
export function itemsOf(selection: Selection): readonly ItemSpec[] {
  return selection.kind === 'item' ? [selection.item] : selection.parts.flatMap(itemsOf);
}

interface Reading {
  readonly placeholders: PlaceholderValues;
  linesLeft: number;
}

interface Place {
  readonly path: DocumentPath;
  readonly depth: number;
  readonly reading: Reading;
}

function readSelection(definition: unknown, { path, depth, reading }: Place): Selection {
  if (depth > MAX_NESTING) throw new RuleFault('detect.bad_rule', `a search identifier nests deeper than ${MAX_NESTING} lists`, path);
  if (Array.isArray(definition)) {
    if (definition.length === 0) throw new RuleFault('detect.bad_rule', 'a search identifier is an empty list', path);
    // A list of plain values is one line of keywords, so that it is searched in one go.
    if (definition.every((part) => part === null || typeof part !== 'object')) return readLine(['', definition], path, reading);
    return {
      kind: 'any',
      parts: definition.map((part, index) => readSelection(part, { path: [...path, index], depth: depth + 1, reading })),
    };
  }
  if (!isYamlMap(definition)) return readLine(['', definition], path, reading);
  const lines = Object.entries(definition);
  if (lines.length === 0) throw new RuleFault('detect.bad_rule', 'a search identifier is an empty map', path);
  return { kind: 'all', parts: lines.map((line) => readLine(line, [...path, line[0]], reading)) };
}

function readLine([key, value]: readonly [string, unknown], path: DocumentPath, reading: Reading): Selection {
  reading.linesLeft -= 1;
  if (reading.linesLeft < 0) throw new RuleFault('detect.bad_rule', `its search identifiers have more than ${MAX_LINES} lines`, path);
  return { kind: 'item', item: readItem(key, value, { path, placeholders: reading.placeholders }) };
}

function readConditions(section: YamlMap, context: ConditionContext): ConditionNode {
  const written = entry(section, 'condition');
  const texts: readonly unknown[] = Array.isArray(written) ? written : [written];
  if (texts.length === 0 || texts.some((text) => typeof text !== 'string'))
    throw new RuleFault('detect.bad_condition', 'the detection has no condition', context.path);
  if (texts.length > MAX_CONDITIONS)
    throw new RuleFault('detect.bad_condition', `it has more than ${MAX_CONDITIONS} conditions`, context.path);
  const nodes = texts.map((text) => parseCondition(text as string, context));
  return nodes.length === 1 ? (nodes[0] as ConditionNode) : { kind: 'or', operands: nodes };
}

function readLogSource(logSource: unknown): RuleLogSource {
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
