/** Which of the fields that rules name events of each mapping have. */
import { type Fields, type LogSource, namedLogSource } from '@tocsin/core';
import { createFieldProbe, type FieldProbe } from '@tocsin/detect/explain';

/** Counts no more than whether a field was there. */
export class FieldCensus {
  /** Fields seen, by mapping; a mapping of which no event came is absent. */
  readonly seen = new Map<string, Set<string>>();
  readonly #names: readonly string[];
  readonly #logSources: ReadonlyMap<string, LogSource>;
  readonly #probes = new Map<string, FieldProbe>();

  constructor(names: readonly string[], logSources: readonly LogSource[]) {
    this.#names = names;
    this.#logSources = new Map(logSources.map((logSource) => [logSource.mapping, logSource]));
  }

  /** Takes an event of a mapping. */
  count(mapping: string, fields: Fields): void {
    const seen = this.seen.get(mapping) ?? new Set();
    this.seen.set(mapping, seen);
    const probe = this.#probes.get(mapping) ?? createFieldProbe(this.#names, namedLogSource(this.#logSources, mapping));
    this.#probes.set(mapping, probe);
    for (const field of probe(fields, seen)) seen.add(field);
  }
}
