/**
 * Log sources that events name themselves: members of an event say product, service and category, in place of what its mapping would
 * say. Where the mapping is of the same product, it still says where fields lie.
 */
import type { LogSource } from '@tocsin/core';
import type { CompiledRules, Route } from '@tocsin/detect/judge';

/** Members of an event that name its log source. */
export interface LogSourceFields {
  readonly product?: string | undefined;
  readonly service?: string | undefined;
  readonly category?: string | undefined;
}

/** Names of log sources by their parts; rules compiled for each when it is first met. */
export interface TaggedSources {
  /** The members to be read, in the order in which `nameOf` takes their values. */
  readonly members: readonly string[];
  /** Name under which `compiled` has a route; the mapping itself where the event names nothing. */
  nameOf(mapping: string, values: readonly (string | undefined)[]): string;
  /** The rules, with routes for these names as well. */
  readonly compiled: CompiledRules;
}

/** Log sources met, above which all are forgotten: names come from events and could be without end. */
const MOST_SOURCES = 4096;

/** Names and routes over compiled rules and the log sources of the mappings. */
export function createTaggedSources(fields: LogSourceFields, compiled: CompiledRules, logSources: readonly LogSource[]): TaggedSources {
  const byMapping = new Map(logSources.map((logSource) => [logSource.mapping, logSource]));
  const parts = (['product', 'service', 'category'] as const).filter((part) => fields[part] !== undefined);
  const names = new Map<string, string>();
  const sources = new Map<string, LogSource>();
  const routes = new Map<string, Route | undefined>();
  return {
    members: parts.map((part) => fields[part] as string),
    nameOf: (mapping, values) => {
      if (values.every((value) => value === undefined)) return mapping;
      const tagged = JSON.stringify([mapping, ...values]);
      const known = names.get(tagged);
      if (known !== undefined) return known;
      if (names.size >= MOST_SOURCES) for (const map of [names, sources, routes]) map.clear();
      const tags = Object.fromEntries(parts.map((part, i) => [part, values[i]?.toLowerCase()]));
      const source = taggedSource(tags, byMapping.get(mapping));
      // Several mappings come to the same: their rules are compiled once.
      const name = JSON.stringify(source);
      names.set(tagged, name);
      sources.set(name, source);
      return name;
    },
    compiled: withRoutes(compiled, (name) => {
      const source = sources.get(name);
      if (source === undefined) return compiled.route(name);
      if (!routes.has(name)) routes.set(name, compiled.routeOf(source));
      return routes.get(name);
    }),
  };
}

/** The same rules under other routes. What is worked out on demand stays so. */
function withRoutes(compiled: CompiledRules, route: CompiledRules['route']): CompiledRules {
  return Object.create(compiled, { route: { value: route, enumerable: true } }) as CompiledRules;
}

function taggedSource({ product, service, category }: LogSourceFields, mapped: LogSource | undefined): LogSource {
  const same = mapped !== undefined && mapped.product?.toLowerCase() === product ? mapped : undefined;
  return {
    mapping: '',
    product,
    services: [service ?? []].flat(),
    categories: categoriesOf(category, same),
    aliases: same?.aliases ?? {},
    prefixes: same?.prefixes ?? [],
    entity: mapped?.entity ?? [],
    jsonObjects: { unless: [] },
  };
}

/** A member names one category. Where the mapping puts the event into that one and others (Sysmon's registry events), it is in all of them. */
function categoriesOf(category: string | undefined, mapped: LogSource | undefined): readonly string[] {
  if (category === undefined) return [];
  return mapped?.categories.includes(category) === true ? mapped.categories : [category];
}
