/** Whether a rule is asked about the events of a mapping, and if not, what stands in the way. */
import type { LogSource } from '@tocsin/core';
import { routesTo } from '../compile/compile-rules.ts';
import type { RuleLogSource } from '../parse/parsed-rule.ts';
import type { ExplainedRouting } from './explained-rule.ts';

/** Routing of a rule that asks for `wanted` to the events of one mapping; `logSources` are all there are. */
export function explainRouting(
  wanted: RuleLogSource,
  logSource: LogSource | undefined,
  logSources: readonly LogSource[],
): ExplainedRouting {
  const fedBy = logSources.filter((one) => routesTo(wanted, one)).map((one) => one.mapping);
  if (logSource === undefined) return { held: false, wanted, missing: [], fedBy };
  const parts: readonly (readonly [part: string, wanted: string | undefined, has: readonly string[]])[] = [
    ['product', wanted.product, logSource.product === undefined ? [] : [logSource.product]],
    ['category', wanted.category, logSource.categories],
    ['service', wanted.service, logSource.services],
  ];
  const missing = parts.flatMap(([part, name, has]) =>
    name === undefined || has.some((one) => one.toLowerCase() === name) ? [] : [{ part, wanted: name, has }],
  );
  return { held: routesTo(wanted, logSource), mapping: logSource.mapping, wanted, missing, fedBy };
}
