/** Compiles parsed rules for the log sources there are: routing, inactive rules, and the hash of it all. Folds are planned in `plan-folds.ts`. */
import { type LogSource, namedLogSource, sha256Hex } from '@tocsin/core';
import type { ProgramStore } from '../filter/program-pool.ts';
import { createRecordFilter } from '../filter/record-filter.ts';
import type { DetectionRule, ParsedRule, RuleLogSource } from '../parse/parsed-rule.ts';
import { canonicalJson } from '../parse/rule-metadata.ts';
import { indexByReference } from '../parse/rule-references.ts';
import { compileDetection } from './compile-detection.ts';
import type { CompiledRules, InactiveRule, KnownRoute, Route } from './compiled-rules.ts';
import { EventView } from './event-view.ts';
import { collectMatchFields, missingReferences, planFolds } from './plan-folds.ts';
import { divideRules } from './route-parts.ts';

/** Changes whenever the same rules would be judged otherwise, so that sets of two versions never pass for the same. */
const ENGINE_VERSION = '1';

/** What a rule set may be compiled from beside its rules. */
export interface CompileOptions {
  /** A set compiled before, of which everything is taken over that did not change. Both may go on judging, in turns, in one thread. */
  readonly before?: CompiledRules | undefined;
  /** Where programs of the filter are looked for before they are made; of no use together with `before`, whose filter is taken over. */
  readonly programs?: ProgramStore | undefined;
  /** How far out of order events may come and still be placed exactly by correlations, milliseconds. Default: a minute. */
  readonly latenessMs?: number | undefined;
}
/** Routes kept: one per mapping, and per name given to one. */
const MAX_ROUTES = 8192;

/** A rule set for these log sources. Order of rules and log sources does not matter to the hash. */
export function compileRules(
  rules: readonly ParsedRule[],
  logSources: readonly LogSource[],
  { before, programs, latenessMs }: CompileOptions = {},
): CompiledRules {
  const active = activeRules(rules);
  const byMapping = new Map(logSources.map((logSource) => [logSource.mapping, logSource]));
  const routes = new Map<string, Route | undefined>();
  const knownRoutes = takeOverRoutes(active, before);
  // Mappings that differ in what rules do not see, such as the OCSF class, share what is compiled.
  const fresh = shared(
    (logSource: LogSource) => JSON.stringify({ ...logSource, mapping: '' }),
    (logSource) => compileRoute(active, logSource),
  );
  const renewed = shared(
    ({ route, logSource }: KnownRoute) => route ?? logSource,
    ({ route, logSource }) => compileRoute(active, logSource, route),
  );
  const renew = (known: KnownRoute): Route | undefined => (known.isCurrent ? known.route : renewed(known));
  const ruleSetHash = once(() => hashRules(rules, logSources));
  const inactive = once(() => findInactive(rules, logSources));
  const folds = once(() => planFolds(rules, latenessMs));
  const groupFields = once(() => collectMatchFields(folds()));
  return {
    rules,
    get ruleSetHash() {
      return ruleSetHash();
    },
    get inactive() {
      return inactive();
    },
    get folds() {
      return folds();
    },
    get groupFields() {
      return groupFields();
    },
    knownRoutes,
    filter: before?.filter ?? createRecordFilter({ programs }),
    routeOf: (logSource) => compileRoute(active, logSource),
    route: (mapping) => {
      if (routes.has(mapping)) return routes.get(mapping);
      const logSource = namedLogSource(byMapping, mapping);
      // Names that no mapping has are not remembered: they come from frames and could be without end.
      if (logSource === undefined) return undefined;
      const known = knownRoutes.get(mapping);
      const route = known?.logSource === logSource ? renew(known) : fresh(logSource);
      // Names that people gave to sources are few; should they not be, they are compiled anew.
      if (routes.size >= MAX_ROUTES) routes.clear();
      if (byMapping.has(mapping)) knownRoutes.set(mapping, { logSource, route, isCurrent: true });
      routes.set(mapping, route);
      return route;
    },
  };
}

/** A value that is worked out when it is first asked for. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** Whether a rule that asks for `wanted` looks at the events of a log source: every part it names must agree. */
export function routesTo(wanted: RuleLogSource, logSource: LogSource): boolean {
  return routing(logSource)({ logSource: wanted });
}

/** Whether a rule looks at the events of a log source. */
function routing({ product, services, categories }: LogSource): (rule: { readonly logSource: RuleLogSource }) => boolean {
  const own = product?.toLowerCase();
  const [serviceNames, categoryNames] = [services, categories].map((names) => new Set(names.map((name) => name.toLowerCase())));
  return ({ logSource: wanted }) =>
    (wanted.product === undefined || wanted.product === own) &&
    (wanted.service === undefined || serviceNames?.has(wanted.service) === true) &&
    (wanted.category === undefined || categoryNames?.has(wanted.category) === true);
}

/** What comes of things that are alike by a key, made once for all of them. */
function shared<T, Made>(keyOf: (of: T) => unknown, make: (of: T) => Made): (of: T) => Made {
  const made = new Map<unknown, { readonly value: Made }>();
  return (of) => {
    const key = keyOf(of);
    const known = made.get(key) ?? { value: make(of) };
    made.set(key, known);
    return known.value;
  };
}

/** Routes of the set before. Those that none of the changed rules is routed to are as good as new. */
function takeOverRoutes(active: readonly DetectionRule[], before: CompiledRules | undefined): Map<string, KnownRoute> {
  if (before === undefined) return new Map();
  const changed = changedRules(activeRules(before.rules), active);
  return new Map(
    [...before.knownRoutes].map(([mapping, known]) => {
      const isTouched = changed.some(routing(known.logSource));
      return [mapping, { ...known, isCurrent: known.isCurrent && !isTouched }];
    }),
  );
}

/** Rules between the first and the last difference of two sets: every rule that only one of them has, or that stands elsewhere, is among them. */
function changedRules(before: readonly DetectionRule[], after: readonly DetectionRule[]): DetectionRule[] {
  let from = 0;
  let behind = 0;
  while (from < before.length && from < after.length && before[from] === after[from]) from++;
  const most = Math.min(before.length, after.length) - from;
  while (behind < most && before[before.length - 1 - behind] === after[after.length - 1 - behind]) behind++;
  return [...before.slice(from, before.length - behind), ...after.slice(from, after.length - behind)];
}

function activeRules(rules: readonly ParsedRule[]): DetectionRule[] {
  return rules.filter((rule): rule is DetectionRule => rule.kind === 'detection' && rule.needsValues.length === 0);
}

function compileRoute(active: readonly DetectionRule[], logSource: LogSource, former?: Route): Route | undefined {
  const rules = active.filter(routing(logSource));
  if (rules.length === 0) return undefined;
  const view = former?.view ?? new EventView(logSource);
  const known = new Map(former?.detections.map((detection) => [detection.rule, detection]));
  const detections = rules.map((rule) => known.get(rule) ?? compileDetection(rule, view));
  return { logSource, view, detections, parts: divideRules(rules, logSource, former?.parts) };
}

function findInactive(rules: readonly ParsedRule[], logSources: readonly LogSource[]): InactiveRule[] {
  const byReference = indexByReference(rules);
  const isFed = logSources.map(routing);
  return rules.flatMap((rule): InactiveRule[] => {
    const named = { ruleId: rule.meta.id, title: rule.meta.title };
    if (rule.kind === 'correlation') {
      const missing = missingReferences(rule, byReference);
      return missing.length === 0 ? [] : [{ ...named, reason: 'missing_reference', detail: missing.join(', ') }];
    }
    if (rule.needsValues.length > 0) return [{ ...named, reason: 'needs_values', detail: rule.needsValues.join(', ') }];
    if (isFed.some((feeds) => feeds(rule))) return [];
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
