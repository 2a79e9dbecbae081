/** The thread in which catch-ups are run, one after the other: started when there is one, ended when there is none. */

import { TocsinError } from '@tocsin/core';
import { createFieldsReader, loadMappings, readShippedMappings } from '@tocsin/ingest';
import { type BusAddress, openBus } from '../duties/open-bus.ts';
import { bootData, serveThread, threadSurroundings } from '../duties/thread-boot.ts';
import type { ThreadApi } from '../duties/thread-call.ts';
import { RuleBook } from '../rules/rule-book.ts';
import { CATCH_UP_BUCKET, RULE_LISTS_BUCKET, RULE_SETS_BUCKET } from '../topology.ts';
import { type CatchUpJob, type KeptJob, putJob } from './catch-up-job.ts';
import { type CatchUpRules, catchUpRules } from './catch-up-rules.ts';
import { runCatchUp } from './run-catch-up.ts';

/** What the thread is started with. */
export interface CatchUpBoot {
  readonly bus: BusAddress;
  /** How far out of order events may come, milliseconds. */
  readonly latenessMs: number;
}

/** Questions to the thread. */
export type CatchUpApi = ThreadApi & {
  /** Runs a catch-up until the folds have been told; resolves with it as it is kept then. @throws catchup.failed, bus errors */
  readonly run: (kept: KeptJob) => Promise<KeptJob>;
  readonly stop: () => Promise<void>;
};

const boot = bootData<CatchUpBoot>();
const around = threadSurroundings();
const bus = await openBus(boot.bus);
const bucket = bus.bucket(CATCH_UP_BUCKET);
const mappings = loadMappings(readShippedMappings());
let running: Promise<unknown> = Promise.resolve();

serveThread({
  run(kept) {
    const run = runKept(kept);
    running = run.catch(() => 'whoever asked is told');
    return run;
  },
  async stop() {
    await around.stop(running);
    await bus[Symbol.asyncDispose]();
  },
} satisfies CatchUpApi);

async function runKept(begun: KeptJob): Promise<KeptJob> {
  let kept = begun;
  const change = async (changes: Partial<CatchUpJob>): Promise<void> => {
    kept = await putJob(bucket, { ...kept, job: { ...kept.job, ...changes, updatedMs: around.clock.nowMs() } });
  };
  await change({ state: 'running' });
  const read = createFieldsReader();
  const { doneAt, alerts } = await runCatchUp(kept.job, {
    ...around,
    bus,
    bucket,
    lists: bus.bucket(RULE_LISTS_BUCKET),
    rules: await rulesOf(kept.job),
    fieldsOf: (frame, index, members) => read(mappings.formatOf(frame.mapping(index)) ?? 'json', frame.record(index), members),
    onProgress: change,
  });
  await change({ state: 'folded', doneAt, alerts: { ...alerts, superseded: 0 } });
  return kept;
}

async function rulesOf({ id, tenant, rules, ruleSet, targets }: CatchUpJob): Promise<CatchUpRules> {
  const logSources = mappings.logSources();
  const book = await RuleBook.load(bus.bucket(RULE_SETS_BUCKET), ruleSet, { logSources, latenessMs: boot.latenessMs });
  if (book === undefined)
    throw new TocsinError('catchup.failed', { id, reason: 'the rule set that was in force when it was asked for is no longer kept' });
  const found = catchUpRules(book, tenant, { ids: rules, logSources });
  const isSame = found.targets.length === targets.length && found.targets.every((rule, i) => rule.version === targets[i]?.version);
  if (!isSame) throw new TocsinError('catchup.failed', { id, reason: 'its rules are read otherwise by this version of Tocsin' });
  return found;
}
