/**
 * Aggregations of the older format, `condition: selection | count(field) by group > 5` with a `timeframe`: given up by Sigma 2 for
 * correlations (Sigma 1, "Aggregation expression"). A rule with one is read as the two rules that it would be today.
 */
import { RuleFault } from './rule-fault.ts';
import { entry, isYamlMap, mergeMaps, withoutKeys, type YamlMap } from './yaml-map.ts';

/** The plain rule that finds the events, and the correlation that counts them and keeps the rule's id. */
export interface TranslatedAggregation {
  readonly events: YamlMap;
  readonly correlation: YamlMap;
}

const CONDITION = ['detection', 'condition'];
const TYPES: ReadonlyMap<string, string> = new Map([
  ['sum', 'value_sum'],
  ['avg', 'value_avg'],
]);
const COMPARISONS: Readonly<Record<string, string>> = {
  '>': 'gt',
  '>=': 'gte',
  '<': 'lt',
  '<=': 'lte',
  '=': 'eq',
  '==': 'eq',
  '!=': 'neq',
};
const SHAPE = /^(\w+)\s*\(\s*([^\s()|]*)\s*\)\s*(?:by\s+(.{1,2000}?)\s*)?(>=|<=|==|!=|>|<|=)\s*([0-9]{1,15})\s*$/i;

/** The two rules of a document whose condition pipes into an aggregation; undefined where it does not. @throws RuleFault where it has no correlation */
export function translateAggregation(document: YamlMap): TranslatedAggregation | undefined {
  const detection = entry(document, 'detection');
  const condition = isYamlMap(detection) ? entry(detection, 'condition') : undefined;
  const piped = (Array.isArray(condition) ? condition : [condition]).find((text) => typeof text === 'string' && text.includes('|'));
  if (!isYamlMap(detection) || typeof piped !== 'string') return undefined;
  if (Array.isArray(condition) && condition.length > 1) throw fault('it has several conditions and an aggregation in one of them');
  const at = piped.indexOf('|');
  const counted = readAggregation(piped.slice(at + 1).trim());
  const timeframe = entry(detection, 'timeframe');
  if (timeframe === undefined)
    throw new RuleFault('detect.unsupported', 'it counts over no time: its detection has no timeframe', CONDITION);
  const given = entry(document, 'id');
  const id = typeof given === 'string' ? given : `title-${String(entry(document, 'title')).slice(0, 256)}`;
  const plain = { ...withoutKeys(detection, ['timeframe', 'condition']), condition: piped.slice(0, at).trim() };
  const tests = splitTests(entry(document, 'tests'));
  const common = withoutKeys(document, ['detection', 'tests']);
  return {
    events: mergeMaps(withoutKeys(common, ['name', 'title']), {
      id: `${id}.events`,
      title: `${String(entry(document, 'title')).slice(0, 240)} (events)`,
      detection: plain,
      ...tests.events,
    }),
    correlation: mergeMaps(withoutKeys(common, ['logsource']), {
      id,
      correlation: { ...counted, rules: [`${id}.events`], timespan: timeframe },
      ...tests.sequences,
    }),
  };
}

function readAggregation(text: string): YamlMap {
  if (/^near\b/i.test(text)) throw fault('"near" has no counterpart: write a correlation of type temporal');
  const found = SHAPE.exec(text);
  if (found === null) throw fault(`the aggregation "${text.slice(0, 120)}" is not understood`);
  const [, name = '', field = '', groups, comparison = '', limit] = found;
  const condition = { [COMPARISONS[comparison] as string]: Number(limit), ...(field === '' ? {} : { field }) };
  return {
    type: typeOf(name.toLowerCase(), field),
    condition,
    'group-by': groups === undefined ? [] : groups.split(/[\s,]+/).filter((group) => group !== ''),
  };
}

function typeOf(name: string, field: string): string {
  if (name === 'count') return field === '' ? 'event_count' : 'value_count';
  const type = TYPES.get(name);
  if (type === undefined) throw fault(`the aggregation "${name.slice(0, 40)}" has no counterpart among the correlations`);
  if (field === '') throw fault(`the aggregation "${name}" names no field`);
  return type;
}

/** Tests about single events are the plain rule's, those about several the correlation's. */
function splitTests(tests: unknown): { events: YamlMap; sequences: YamlMap } {
  if (!Array.isArray(tests)) return { events: {}, sequences: tests === undefined ? {} : { tests } };
  const isAboutOne = (test: unknown): boolean => isYamlMap(test) && entry(test, 'event') !== undefined;
  return { events: { tests: tests.filter(isAboutOne) }, sequences: { tests: tests.filter((test) => !isAboutOne(test)) } };
}

function fault(reason: string): RuleFault {
  return new RuleFault('detect.unsupported', reason, CONDITION);
}
