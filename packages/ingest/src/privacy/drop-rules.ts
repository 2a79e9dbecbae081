/** Rules by which records are left out, made fast: one pass over the fields of a record tells which rule it fits. */
import type { Fields } from '@tocsin/core';
import { FieldNames } from './field-names.ts';
import { eachFieldValue } from './field-values.ts';
import type { DropRule } from './privacy-policy.ts';

interface Wanted {
  readonly condition: number;
  readonly fits: (value: string) => boolean;
}

/** Finds the rule that a record fits, the first of them; undefined where it fits none. */
export function compileDropRules(rules: readonly DropRule[]): (fields: Fields) => string | undefined {
  const wanted = new FieldNames<Wanted[]>();
  const byField = new Map<string, Wanted[]>();
  let count = 0;
  const compiled = rules.map(({ name, when }) => ({
    name,
    conditions: Object.entries(when).map(([field, values]) => {
      const condition = count++;
      const fits = compileValues(typeof values === 'string' ? [values] : values);
      byField.set(field.toLowerCase(), [...(byField.get(field.toLowerCase()) ?? []), { condition, fits }]);
      return condition;
    }),
  }));
  for (const [field, each] of byField) wanted.add(field, each);
  return (fields) => {
    const held = new Uint8Array(count);
    eachFieldValue(fields, (names, value) => {
      for (const { condition, fits } of wanted.find(names) ?? []) if (held[condition] === 0 && fits(value)) held[condition] = 1;
    });
    return compiled.find(({ conditions }) => conditions.every((condition) => held[condition] === 1))?.name;
  };
}

/** Whether a value is one of some, without regard to case; `*` stands for any text. */
function compileValues(values: readonly string[]): (value: string) => boolean {
  const exact = new Set(values.filter((value) => !value.includes('*')).map((value) => value.toLowerCase()));
  const patterns = values.filter((value) => value.includes('*')).map((value) => value.toLowerCase().split('*'));
  return (value) => {
    const lower = value.toLowerCase();
    return exact.has(lower) || patterns.some((parts) => fitsParts(lower, parts));
  };
}

/** Whether the parts stand in a text in order, the first at its beginning and the last at its end. */
function fitsParts(text: string, parts: readonly string[]): boolean {
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
