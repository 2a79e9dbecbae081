/**
 * One line of a detection, `Field|modifier|…: value(s)`, as data. How it is read is in `read-item.ts`, how it is tested in `compile/`.
 */
import type { Side, TextPattern } from './text-pattern.ts';

/** Numeric comparisons. */
export type NumberComparison = 'lt' | 'lte' | 'gt' | 'gte' | 'eq';

/** Parts of a date that can be compared, in UTC. */
export type TimePart = 'minute' | 'hour' | 'day' | 'week' | 'month' | 'year';

/** What one value asks of a field. */
export type ValueTest =
  | { readonly kind: 'null' }
  | { readonly kind: 'exists'; readonly expected: boolean }
  | { readonly kind: 'text'; readonly patterns: readonly TextPattern[]; readonly cased: boolean }
  | { readonly kind: 'regex'; readonly source: string; readonly flags: number }
  | { readonly kind: 'cidr'; readonly range: string }
  | { readonly kind: 'number'; readonly comparison: NumberComparison; readonly limit: number; readonly part?: TimePart | undefined }
  | { readonly kind: 'fieldref'; readonly field: string; readonly side?: Side | undefined; readonly cased: boolean }
  | { readonly kind: 'placeholder'; readonly names: readonly string[] };

/** One value with the text it was written as. */
export interface ValueSpec {
  readonly test: ValueTest;
  readonly shown: string;
}

/** One line. Without a field it is about keywords: text anywhere in the event. */
export interface ItemSpec {
  readonly field: string | undefined;
  readonly modifiers: readonly string[];
  /** All values must hold instead of one. */
  readonly all: boolean;
  /** `neq`: the line as a whole must not hold, which it does not where the field is missing. */
  readonly negated: boolean;
  readonly values: readonly ValueSpec[];
}
