/**
 * Judges a batch of records: every record by every rule routed to it, in order of records and, within one, of rules. The filter says
 * which rules could hold for which records; only those records are decoded, and the rules themselves have the last word. Pure and without
 * memory of earlier batches. What is made of a hit is the caller's affair (`match-frame.ts`).
 */
import type { Fields, RecordBatch } from '@tocsin/core';
import type { CompiledDetection } from '../compile/compile-detection.ts';
import type { CompiledRules, Route } from '../compile/compiled-rules.ts';
import { objectBatch } from './object-batch.ts';
import type { RuleCostRecorder } from './rule-cost.ts';

/** A rule that holds for a record. `route.view` shows the record until the next hit. */
export interface RecordHit {
  /** Index of the record in its batch. */
  readonly index: number;
  readonly route: Route;
  readonly detection: CompiledDetection;
}

/** What judging a batch needs from outside. */
export interface JudgeOptions {
  /** Mapping that reads a record. */
  mappingOf(index: number): string;
  /**
   * Fields of a record as its decoder reads them; undefined where it cannot be decoded. Called only for records that a rule may hold for, and
   * for those that are no JSON objects. With `members`, others of the first level may be left out: the record is asked for again where they are needed.
   */
  fieldsOf(index: number, members?: ReadonlySet<string>): Fields | undefined;
  /** Whether to pass over a record, such as a duplicate. */
  skip?: ((index: number) => boolean) | undefined;
  onHit(hit: RecordHit): void;
  /** A rule that threw on a record; the record goes on to the other rules. */
  onRuleError(index: number, ruleId: string, cause: unknown): void;
  /** Told of every evaluation of a rule. */
  cost?: RuleCostRecorder | undefined;
}

/** Tells `onHit` of every rule that holds, in order. */
export function judgeRecords(compiled: CompiledRules, batch: RecordBatch, options: JudgeOptions): void {
  const routes = routesOf(compiled, batch, options);
  const objects = objectBatch(batch, routes, (index, members) => options.fieldsOf(index, members));
  compiled.filter.scan(objects.batch, routes);
  for (let index = 0; index < batch.count; index++) {
    const route = routes[index];
    if (route === undefined) continue;
    const candidates = compiled.filter.candidates(index);
    if (candidates !== 'all' && candidates.length === 0) continue;
    const fields = objects.fieldsOf(index, route.view.members);
    if (fields === undefined) continue;
    route.view.show(fields, () => objects.fieldsOf(index));
    judgeRecord(route, candidates, { index, options });
  }
}

function routesOf(compiled: CompiledRules, batch: RecordBatch, options: JudgeOptions): (Route | undefined)[] {
  const routes = new Array<Route | undefined>(batch.count);
  let mapping: string | undefined;
  let route: Route | undefined;
  for (let index = 0; index < batch.count; index++) {
    if (options.skip?.(index) === true) continue;
    const next = options.mappingOf(index);
    if (next !== mapping) {
      mapping = next;
      route = compiled.route(mapping);
    }
    routes[index] = route;
  }
  return routes;
}

interface Shown {
  readonly index: number;
  readonly options: JudgeOptions;
}

function judgeRecord(route: Route, candidates: ArrayLike<number> | 'all', shown: Shown): void {
  if (candidates === 'all') for (const detection of route.detections) judge(route, detection, shown);
  else for (let i = 0; i < candidates.length; i++) judge(route, route.detections[candidates[i] as number] as CompiledDetection, shown);
}

function judge(route: Route, detection: CompiledDetection, { index, options }: Shown): void {
  const { cost } = options;
  try {
    const begunMs = cost?.begin(detection) ?? 0;
    const held = detection.test();
    cost?.end(begunMs, held);
    if (held) options.onHit({ index, route, detection });
  } catch (cause) {
    options.onRuleError(index, detection.rule.meta.id, cause);
  }
}
