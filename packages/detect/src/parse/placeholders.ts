/**
 * Placeholders (Sigma 2.1, "Placeholders"): `%name%` in a value under `expand` stands for values that are known only where the rule is
 * used. They are given by the caller, or by documents with a `placeholders` section among the rule files (Tocsin's own).
 */
import { RuleFault } from './rule-fault.ts';
import { entry, isYamlMap, type YamlMap } from './yaml-map.ts';

/** Values of each placeholder by its name without the percent signs. Each is a pattern: it may hold wildcards and escapes. */
export type PlaceholderValues = ReadonlyMap<string, readonly string[]>;

/** A piece of a value under `expand`. */
export type ExpandPart = { readonly kind: 'text' | 'name'; readonly text: string };

const MAX_NAMES = 10_000;
const MAX_VALUES = 20_000;
const MAX_VALUE_CHARS = 8192;

/** Pieces of a value: `%name%` is a name, `\%` a percent sign, a pair of backslashes stays one before either. */
export function splitPlaceholders(text: string): ExpandPart[] {
  const parts: ExpandPart[] = [];
  let plain = '';
  for (let at = 0; at < text.length; at++) {
    const two = text.slice(at, at + 2);
    if (two === '\\\\' || two === '\\%') {
      plain += two === '\\%' ? '%' : two;
      at += 1;
      continue;
    }
    const end = text[at] === '%' ? text.slice(at + 1).search(/[%\\]/) : -1;
    if (end < 1 || text[at + 1 + end] !== '%') {
      plain += text[at];
      continue;
    }
    if (plain !== '') parts.push({ kind: 'text', text: plain });
    parts.push({ kind: 'name', text: text.slice(at + 1, at + 1 + end) });
    plain = '';
    at += end + 1;
  }
  return plain === '' && parts.length > 0 ? parts : [...parts, { kind: 'text', text: plain }];
}

/** Whether a document gives values to placeholders instead of being a rule. */
export function givesPlaceholders(document: unknown): document is YamlMap {
  return isYamlMap(document) && entry(document, 'placeholders') !== undefined && entry(document, 'detection') === undefined;
}

/** Values of a document with a `placeholders` section: name → value or list of values. @throws RuleFault detect.bad_rule */
export function readPlaceholders(document: YamlMap): PlaceholderValues {
  const section = entry(document, 'placeholders');
  if (!isYamlMap(section)) throw new RuleFault('detect.bad_rule', 'placeholders is no map of names to values', ['placeholders']);
  const names = Object.entries(section);
  if (names.length > MAX_NAMES) throw new RuleFault('detect.bad_rule', `placeholders has more than ${MAX_NAMES} names`, ['placeholders']);
  return new Map(names.map(([name, values]) => [bareName(name), readValues(name, values)]));
}

/** All values that are given, those of one name together, each once. */
export function joinPlaceholders(given: readonly PlaceholderValues[]): PlaceholderValues {
  const joined = new Map<string, Set<string>>();
  for (const values of given) {
    for (const [name, list] of values) {
      const known = joined.get(name) ?? new Set();
      for (const value of list) known.add(value);
      joined.set(name, known);
    }
  }
  return new Map([...joined].map(([name, values]) => [name, [...values]]));
}

function bareName(name: string): string {
  const bare = /^%([^%\\]+)%$/.exec(name)?.[1] ?? name;
  if (bare === '' || /[%\\]/.test(bare))
    throw new RuleFault('detect.bad_rule', `"${name.slice(0, 80)}" is no name of a placeholder`, ['placeholders', name]);
  return bare;
}

function readValues(name: string, values: unknown): string[] {
  const list: readonly unknown[] = Array.isArray(values) ? values : [values];
  if (list.length === 0 || list.length > MAX_VALUES)
    throw new RuleFault('detect.bad_rule', `placeholder ${name.slice(0, 80)} has no values, or more than ${MAX_VALUES}`, [
      'placeholders',
      name,
    ]);
  return list.map((value, index) => {
    if ((typeof value === 'string' && value.length <= MAX_VALUE_CHARS) || typeof value === 'number') return String(value);
    throw new RuleFault(
      'detect.bad_rule',
      `a value of placeholder ${name.slice(0, 80)} is no text of at most ${MAX_VALUE_CHARS} characters`,
      ['placeholders', name, ...(Array.isArray(values) ? [index] : [])],
    );
  });
}
