/** Compiles parsed rules for the log sources there are: routing, inactive rules, and the hash of it all. Folds are planned in `plan-folds.ts`. */
import { type LogSource, sha256Hex } from '@tocsin/core';
import { createRecordFilter } from '../filter/record-filter.ts';
import type { DetectionRule, ParsedRule, RuleLogSource } from '../parse/parsed-rule.ts';
import { indexByReference } from '../parse/resolve-references.ts';
import { canonicalJson } from '../parse/rule-metadata.ts';
import { compileDetection } from './compile-detection.ts';
import type { CompiledRules, InactiveRule, Route } from './compiled-rules.ts';
import { EventView } from './event-view.ts';
import { collectMatchFields, missingReferences, planFolds } from './plan-folds.ts';

/** Changes whenever the same rules would be judged otherwise, so that sets of two versions never pass for the same. */
const ENGINE_VERSION = '1';

/** What a rule set is compiled for beside its log sources. */
export interface CompileOptions {
  /** How far out of order events may come and still be placed exactly by correlations, milliseconds. Default: a minute. */
  readonly latenessMs?: number | undefined;
}

/** A rule set for these log sources. Order of rules and log sources does not matter to the hash. */
export function compileRules(
  rules: readonly ParsedRule[],
  logSources: readonly LogSource[],
  { latenessMs }: CompileOptions = {},
): CompiledRules {
  const detections = rules.filter((rule) => rule.kind === 'detection');
  const folds = planFolds(rules, latenessMs);
  const active = detections.filter((rule) => rule.needsValues.length === 0);
  const byMapping = new Map(logSources.map((logSource) => [logSource.mapping, logSource]));
  const routes = new Map<string, Route | undefined>();
  const alike = new Map<string, Route | undefined>();
  return {
    ruleSetHash: hashRules(rules, logSources),
    rules,
    inactive: findInactive(rules, logSources),
    folds,
    groupFields: collectMatchFields(folds),
    filter: createRecordFilter(),
    routeOf: (logSource) => compileRoute(active, logSource),
    route: (mapping) => {
      if (routes.has(mapping)) return routes.get(mapping);
      const logSource = byMapping.get(mapping);
      // Names that no mapping has are not remembered: they come from frames and could be without end.
      if (logSource === undefined) return undefined;
      // Mappings that differ in what rules do not see, such as the OCSF class, share what was compiled.
      const content = JSON.stringify({ ...logSource, mapping: '' });
      const route = alike.has(content) ? alike.get(content) : compileRoute(active, logSource);
      alike.set(content, route);
      routes.set(mapping, route);
      return route;
    },
  };
}

/** Whether a rule that asks for `wanted` looks at the events of a log source: every part it names must agree. */
export function routesTo(wanted: RuleLogSource, logSource: LogSource): boolean {
  const among = (names: readonly string[], name: string): boolean => names.some((one) => one.toLowerCase() === name);
  return (
    (wanted.product === undefined || wanted.product === logSource.product?.toLowerCase()) &&
    (wanted.service === undefined || among(logSource.services, wanted.service)) &&
    (wanted.category === undefined || among(logSource.categories, wanted.category))
  );
}

function compileRoute(rules: readonly DetectionRule[], logSource: LogSource): Route | undefined {
  const view = new EventView(logSource);
  const detections = rules.filter((rule) => routesTo(rule.logSource, logSource)).map((rule) => compileDetection(rule, view));
  return detections.length === 0 ? undefined : { logSource, view, detections };
}

function findInactive(rules: readonly ParsedRule[], logSources: readonly LogSource[]): InactiveRule[] {
  const byReference = indexByReference(rules);
  return rules.flatMap((rule): InactiveRule[] => {
    const named = { ruleId: rule.meta.id, title: rule.meta.title };
    if (rule.kind === 'correlation') {
      const missing = missingReferences(rule, byReference);
      return missing.length === 0 ? [] : [{ ...named, reason: 'missing_reference', detail: missing.join(', ') }];
    }
    if (rule.needsValues.length > 0) return [{ ...named, reason: 'needs_values', detail: rule.needsValues.join(', ') }];
    if (logSources.some((logSource) => routesTo(rule.logSource, logSource))) return [];
    const detail = Object.entries(rule.logSource)
      .flatMap(([part, name]) => (name === undefined ? [] : [`${part}: ${name}`]))
      .join(', ');
    return [{ ...named, reason: 'no_log_source', detail }];
  });
}

function hashRules(rules: readonly ParsedRule[], logSources: readonly LogSource[]): string {
  const sortedRules = rules.map((rule) => `${rule.meta.id} ${rule.meta.version}`).sort();
  const sortedSources = logSources.map((logSource) => canonicalJson(logSource)).sort();
  return sha256Hex(JSON.stringify([ENGINE_VERSION, sortedRules, sortedSources]));
}
