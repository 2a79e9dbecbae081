/** Which measure a correlation's windows are measured by: the table of windowed types. */
import type { CorrelationRule, CorrelationType } from '../../parse/parsed-rule.ts';
import { countMeasure } from './count-measure.ts';
import { distinctMeasure } from './distinct-measure.ts';
import type { MeasureKind } from './measure.ts';
import { orderMeasure } from './order-measure.ts';
import { rankMeasure } from './rank-measure.ts';
import { rulesMeasure } from './rules-measure.ts';
import { sumMeasure } from './sum-measure.ts';

const kinds: Readonly<Record<Exclude<CorrelationType, 'absence'>, (rule: CorrelationRule) => MeasureKind>> = {
  event_count: countMeasure,
  value_count: distinctMeasure,
  temporal: rulesMeasure,
  temporal_ordered: orderMeasure,
  value_sum: sumMeasure,
  value_avg: sumMeasure,
  value_percentile: rankMeasure,
  value_median: rankMeasure,
};

/** Measure of a correlation that looks at windows: all but `absence`. */
export function createMeasure(rule: CorrelationRule & { readonly type: Exclude<CorrelationType, 'absence'> }): MeasureKind {
  return kinds[rule.type](rule);
}
