/** The oracle of the filter: every record is decoded and judged by every rule routed to it, one after the other. */
import type { RecordBatch } from '@tocsin/core';
import type { CompiledRules } from '../src/compile/compiled-rules.ts';
import type { JudgeOptions } from '../src/match/judge-records.ts';

/** Tells `onHit` of every rule that holds, in order. */
export function judgeAlone(compiled: CompiledRules, { count }: RecordBatch, { mappingOf, fieldsOf, onHit }: JudgeOptions): void {
  for (let index = 0; index < count; index++) {
    const route = compiled.route(mappingOf(index));
    const fields = fieldsOf(index);
    if (route === undefined || fields === undefined) continue;
    route.view.show(fields);
    for (const detection of route.detections) if (detection.test()) onHit({ index, route, detection });
  }
}
