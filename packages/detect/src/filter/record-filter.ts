/** The filter of a rule set: one scanner, and for each route the program that is planned when it is first asked for. */
import { createScanner, type RecordBatch, type ScannerOptions, type ScanProgram } from '@tocsin/core';
import type { Route } from '../compile/compiled-rules.ts';
import { planRoute } from './plan-route.ts';

/** Says which rules of its route a record is a candidate for. */
export interface RecordFilter {
  /** Looks over a batch; `routeOf` is the route of a record, undefined for records to pass over. */
  scan(batch: RecordBatch, routeOf: (index: number) => Route | undefined): void;
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
  let isFiltered: readonly boolean[] = [];
  return {
    scan: (batch, routeOf) => {
      const byRoute = new Map<Route, number[]>();
      isFiltered = Array.from({ length: batch.count }, (_, index) => {
        const route = routeOf(index);
        if (route?.logSource.jsonObjects === undefined) return false;
        const records = byRoute.get(route);
        if (records === undefined) byRoute.set(route, [index]);
        else records.push(index);
        return true;
      });
      if (byRoute.size === 0) return;
      scanner.open(batch);
      for (const [route, records] of byRoute) scanner.scan(programOf(route), records);
    },
    candidates: (index) => (isFiltered[index] === true ? scanner.candidates(index) : 'all'),
    get memoryBytes() {
      return scanner.memoryBytes;
    },
  };
}
