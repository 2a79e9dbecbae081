/** The filter of rule sets: one scanner, and for each part of a route the program that is made when its first record comes. */
import { createScanner, type RecordBatch, type ScannerOptions } from '@tocsin/core';
import type { PartUse, Route } from '../compile/compiled-rules.ts';
import { ProgramPool, type ProgramStore } from './program-pool.ts';

/** Says which rules of its route a record is a candidate for. Serves any number of rule sets, one batch at a time. */
export interface RecordFilter {
  /** Looks over a batch of JSON objects whose members are the fields; `routes` are those of its records, undefined for records to pass over. */
  scan(batch: RecordBatch, routes: readonly (Route | undefined)[]): void;
  /** Places of the detections of its route to be confirmed, ascending; `all` where the filter cannot tell. Good until the next scan. */
  candidates(index: number): ArrayLike<number> | 'all';
  /** Bytes of its tables. */
  readonly memoryBytes: number;
}

/** How to make a filter. */
export interface FilterOptions extends ScannerOptions {
  /** Where programs are looked for before they are made. */
  readonly programs?: ProgramStore | undefined;
}

/** A filter without tables; they are made as routes come up. */
export function createRecordFilter(options: FilterOptions = {}): RecordFilter {
  const scanner = createScanner(options);
  const pool = new ProgramPool(scanner, options.programs);
  let scanned: readonly (Route | undefined)[] = [];
  return {
    scan: (batch, routes) => {
      const byRoute = recordsByRoute(routes);
      scanned = byRoute.size > 0 ? routes : [];
      if (byRoute.size === 0) return;
      for (const { parts } of byRoute.keys()) for (const { part } of parts) pool.programOf(part);
      scanner.open(batch);
      for (const [{ parts }, records] of byRoute)
        for (const [layer, { part }] of parts.entries()) scanner.scan(pool.programOf(part), records, layer);
    },
    candidates: (index) => {
      const parts = scanned[index]?.parts;
      if (parts === undefined) return 'all';
      const [only] = parts;
      if (parts.length === 1 && only !== undefined && only.places === undefined) return scanner.candidates(index);
      return joinParts(parts, (layer) => scanner.candidates(index, layer));
    },
    get memoryBytes() {
      return scanner.memoryBytes;
    },
  };
}

/** Candidates of all parts as places in the route, ascending. */
function joinParts(parts: readonly PartUse[], candidatesOf: (layer: number) => ArrayLike<number> | 'all'): number[] | 'all' {
  const places: number[] = [];
  for (const [layer, use] of parts.entries()) {
    const found = candidatesOf(layer);
    if (found === 'all') return 'all';
    for (let i = 0; i < found.length; i++) {
      const place = use.places === undefined ? (found[i] as number) : (use.places[found[i] as number] as number);
      if (place >= 0) places.push(place);
    }
  }
  return places.sort((a, b) => a - b);
}

/** Records of each route. */
function recordsByRoute(routes: readonly (Route | undefined)[]): Map<Route, number[]> {
  const byRoute = new Map<Route, number[]>();
  let last: Route | undefined;
  let records: number[] = [];
  for (let index = 0; index < routes.length; index++) {
    const route = routes[index];
    if (route === undefined) continue;
    if (route !== last) {
      records = byRoute.get(route) ?? [];
      byRoute.set(route, records);
      last = route;
    }
    records.push(index);
  }
  return byRoute;
}
