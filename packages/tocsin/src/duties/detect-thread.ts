/** The detection thread: the duties match and correlate side by side, each under its own key. */
import { loadMappings, readShippedMappings } from '@tocsin/ingest';
import { Registry } from '../registry/registry.ts';
import { coveringRules } from '../rules/covering-rules.ts';
import { EventSamples } from '../rules/event-samples.ts';
import { explainEvidence } from '../rules/explain-evidence.ts';
import { FieldCensus } from '../rules/field-census.ts';
import { RuleActivation } from '../rules/rule-activation.ts';
import { RuleBook, type RuleFile } from '../rules/rule-book.ts';
import { RuleCosts } from '../rules/rule-costs.ts';
import { checkRules, listRules } from '../rules/rule-report.ts';
import { sourceFacts } from '../rules/source-facts.ts';
import { RULE_SETS_BUCKET } from '../topology.ts';
import { wireCorrelate, wireMatch } from '../wire.ts';
import type { DetectApi } from './detect-api.ts';
import { FoldsHealth } from './folds-health.ts';
import { type BusAddress, openBus } from './open-bus.ts';
import { ReadUpTo } from './read-up-to.ts';
import { bootData, endOnFailure, serveThread, threadSurroundings } from './thread-boot.ts';

/** What the thread is started with. */
export interface DetectBoot {
  readonly match: BusAddress;
  readonly correlate: BusAddress;
  readonly partitions: number;
  /** A source that has sent nothing for this long is idle, milliseconds. */
  readonly idleAfterMs: number;
  /** How far out of order events may come and still be placed exactly by correlations, milliseconds. */
  readonly latenessMs: number;
  /** Rules that are everybody's. */
  readonly rules: readonly RuleFile[];
}

const boot = bootData<DetectBoot>();
const around = threadSurroundings();
// Rules that are added must not go unheard: the next thread reads CHANGES anew.
const endThread = (error: unknown): void => void endOnFailure(Promise.reject(error), around);
const mappings = loadMappings(readShippedMappings());
const [matchBus, correlateBus] = await Promise.all([openBus(boot.match), openBus(boot.correlate)]);
const registry = await Registry.open(matchBus, endThread);
const activation = await RuleActivation.open({
  registry,
  shared: boot.rules,
  logSources: mappings.logSources(),
  bucket: matchBus.bucket(RULE_SETS_BUCKET),
  onTrouble: around.onTrouble,
});
const readUpTo = new ReadUpTo();
const health = new FoldsHealth(around.clock, around.onStrain);
const costs = new RuleCosts(around.clock);
const samples = new EventSamples();
const startedMs = around.clock.nowMs();

/** The rule set that judged an event; the one loaded last is kept, as people look at alerts of one day. */
let loaded: RuleBook | undefined;
async function bookOf(hash: string): Promise<RuleBook | undefined> {
  if (hash === activation.book.hash) return activation.book;
  if (loaded?.hash !== hash) loaded = await RuleBook.load(matchBus.bucket(RULE_SETS_BUCKET), hash, mappings.logSources());
  return loaded;
}

const work = Promise.all([
  endOnFailure(
    wireMatch(matchBus, mappings, {
      ...around,
      partitions: boot.partitions,
      idleAfterMs: boot.idleAfterMs,
      rules: () => activation.book,
      costs,
      samples,
    }),
    around,
  ),
  endOnFailure(wireCorrelate(correlateBus, mappings, { ...around, readUpTo, health, latenessMs: boot.latenessMs }), around),
]);

serveThread({
  rules: (tenant) => listRules(activation.book, tenant),
  cost: (tenant) => costs.of(tenant) ?? { ruleSet: activation.book.hash, sinceMs: startedMs, rules: [] },
  costs: () => costs.all(),
  folds: () => health.report(),
  async explain(tenant, { ruleSet, ruleId, events }) {
    const judged = await bookOf(ruleSet);
    const rules = (judged ?? activation.book).rulesFor(tenant);
    return { ruleSet: judged === undefined ? 'other' : 'same', explanations: explainEvidence(ruleId, events, { rules, mappings }) };
  },
  fieldsSeen(tenant, fields) {
    const census = new FieldCensus(fields, mappings.logSources());
    for (const [mapping, events] of samples.of(tenant)) for (const event of events) census.count(mapping, event);
    return Object.fromEntries([...census.seen].map(([mapping, seen]) => [mapping, [...seen]]));
  },
  coverage(tenant) {
    const present = costs.mappingsOf(tenant);
    const held = new Map(activation.book.quarantineOf(tenant).map((rule) => [rule.ruleId, rule.reason]));
    const rules = coveringRules(activation.book.rulesFor(tenant), sourceFacts(mappings), present).map((rule) =>
      held.has(rule.ruleId) ? { ...rule, canFire: false, why: `in quarantine: ${held.get(rule.ruleId) ?? ''}` } : rule,
    );
    return { present: [...present].sort(), rules };
  },
  check: (files, { tenant, test }) =>
    checkRules(files, { mappings, test, present: tenant === undefined ? [] : activation.book.filesOf(tenant) }),
  reached: (position, waitMs) => activation.reached(position, waitMs),
  progress: () => readUpTo.steps,
  settled: (lane, position, waitMs) => readUpTo.reached(lane, position, waitMs),
  async stop() {
    await around.stop(work);
    activation[Symbol.dispose]();
    await registry[Symbol.asyncDispose]();
    await Promise.all([matchBus[Symbol.asyncDispose](), correlateBus[Symbol.asyncDispose]()]);
  },
} satisfies DetectApi);
