/** The filter of a rule set: one scanner, and for each route the program that is planned when it is first asked for. */
import { createScanner, type RecordBatch, type ScannerOptions, type ScanProgram } from '@tocsin/core';
import type { Route } from '../compile/compiled-rules.ts';
import { planRoute } from './plan-route.ts';

/** Says which rules of its route a record is a candidate for. */
export interface RecordFilter {
  /** Looks over a batch; `routes` are those of its records, undefined for records to pass over. */
  scan(batch: RecordBatch, routes: readonly (Route | undefined)[]): void;
  /** Indexes of the rules to be confirmed, ascending; `all` where the filter cannot tell. Good until the next scan. */
  candidates(index: number): ArrayLike<number> | 'all';
  /** Bytes of its tables. */
  readonly memoryBytes: number;
}

/** A filter without tables; they are made as routes come up. */
export function createRecordFilter(options: ScannerOptions = {}): RecordFilter {
  const scanner = createScanner(options);
  const programs = new Map<Route, ScanProgram>();
  const programOf = (route: Route): ScanProgram => {
    const program = programs.get(route) ?? scanner.load(planRoute(route));
    programs.set(route, program);
    return program;
  };
  let isOpen = false;
  return {
    scan: (batch, routes) => {
      const byRoute = recordsByRoute(routes);
      isOpen = byRoute.size > 0;
      if (isOpen) scanner.open(batch);
      for (const [route, records] of byRoute) scanner.scan(programOf(route), records);
    },
    candidates: (index) => (isOpen ? scanner.candidates(index) : 'all'),
    get memoryBytes() {
      return scanner.memoryBytes;
    },
  };
}

/** Records of each route whose records can be read as they stand. */
function recordsByRoute(routes: readonly (Route | undefined)[]): Map<Route, number[]> {
  const byRoute = new Map<Route, number[]>();
  let last: Route | undefined;
  let records: number[] = [];
  for (let index = 0; index < routes.length; index++) {
    const route = routes[index];
    if (route?.logSource.jsonObjects === undefined) continue;
    if (route !== last) {
      records = byRoute.get(route) ?? [];
      byRoute.set(route, records);
      last = route;
    }
    records.push(index);
  }
  return byRoute;
}
