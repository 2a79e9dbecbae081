/** The words of the correlation section (Sigma Correlation Rules 2.1; `absence`, `without`, `window` and `suppress` are Tocsin's own). */

/** Kinds of correlation. */
export const CORRELATION_TYPES = [
  'event_count',
  'value_count',
  'temporal',
  'temporal_ordered',
  'value_sum',
  'value_avg',
  'value_percentile',
  'value_median',
  'absence',
] as const;

/** Keys of the correlation section. */
export const CORRELATION_KEYS: readonly string[] = [
  'type',
  'rules',
  'group-by',
  'timespan',
  'condition',
  'aliases',
  'generate',
  'without',
  'window',
  'suppress',
];

/** Comparisons of a condition's map. */
export const COMPARISONS = ['gt', 'gte', 'lt', 'lte', 'eq', 'neq'] as const;
