/** What the mappings say about their sources, for looking at rules before events come. */
import type { SourceFacts } from '@tocsin/detect/explain';
import type { MappingSet } from '@tocsin/ingest';

/** Facts of every mapping, in order. `seen` gives the fields of events that were looked at, by mapping. */
export function sourceFacts(mappings: MappingSet, seen: ReadonlyMap<string, ReadonlySet<string>> = new Map()): SourceFacts[] {
  const logSources = new Map(mappings.logSources().map((logSource) => [logSource.mapping, logSource]));
  return mappings.specs.flatMap((spec): SourceFacts[] => {
    const logSource = logSources.get(spec.id);
    if (logSource === undefined) return [];
    const fixed = spec.when.flatMap((condition) => ('anyOf' in condition ? [[condition.field, condition.anyOf] as const] : []));
    const attributes = Object.values(spec.attributes).flatMap((sources) =>
      sources.flatMap((source) => ('from' in source ? [source.from] : [])),
    );
    return [
      {
        logSource,
        fixed: Object.fromEntries(fixed),
        mapped: new Set([...Object.keys(spec.aliases), ...attributes, ...spec.when.map(({ field }) => field)]),
        ...(seen.has(spec.id) ? { seen: seen.get(spec.id) } : {}),
      },
    ];
  });
}
