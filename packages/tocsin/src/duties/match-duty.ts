/** The match duty within the detection thread: registry, rules in force, the matcher's loop, and what is asked about rules. */
import { type LogSource, TocsinError } from '@tocsin/core';
import { DetectorSelection } from '@tocsin/detect';
import type { MappingSet } from '@tocsin/ingest';
import { catchUpRules, ruleRouting } from '../catchup/catch-up-rules.ts';
import { shortVersion } from '../coverage/rule-list.ts';
import { tryAgain } from '../deadletters/settle-dead-letter.ts';
import type { KeptFileOptions } from '../hunt/kept-file.ts';
import { openProgramCache } from '../hunt/program-cache.ts';
import type { Members } from '../members/members.ts';
import { Registry } from '../registry/registry.ts';
import { coveringRules } from '../rules/covering-rules.ts';
import { EventSamples } from '../rules/event-samples.ts';
import { explainEvidence } from '../rules/explain-evidence.ts';
import { FieldCensus } from '../rules/field-census.ts';
import { forgetRuleSets } from '../rules/forget-rule-sets.ts';
import { openParsedRuleStore } from '../rules/parsed-rule-store.ts';
import { RuleActivation } from '../rules/rule-activation.ts';
import { RuleBook } from '../rules/rule-book.ts';
import { RuleControl } from '../rules/rule-control.ts';
import { RuleCosts } from '../rules/rule-costs.ts';
import { checkRules, listRules } from '../rules/rule-report.ts';
import { sourceFacts } from '../rules/source-facts.ts';
import { CONTROL_BUCKET, MANIFESTS_BUCKET, RULE_LISTS_BUCKET, RULE_SETS_BUCKET } from '../topology.ts';
import { type Bus, wireMatch } from '../wire.ts';
import type { DetectApi } from './detect-api.ts';
import type { DetectBoot } from './detect-thread.ts';
import type { DetectorGround } from './isolation/detector-ground.ts';
import type { Isolation } from './isolation/frame-judge.ts';
import { ownsPart } from './ownership.ts';
import type { ThreadSurroundings } from './thread-boot.ts';

/** What the duty is opened with. */
export interface MatchGround {
  readonly boot: DetectBoot;
  readonly bus: Bus;
  readonly mappings: MappingSet;
  readonly members: Members;
  readonly around: ThreadSurroundings;
  /** Ends the thread: the next one reads everything anew. */
  readonly endThread: (error: unknown) => void;
  /** Detectors, and what has ended threads before this one. */
  readonly ground: DetectorGround;
}

/** What others ask of the duty. */
export type MatchApi = Omit<DetectApi, 'settled' | 'foldedTo' | 'folds' | 'stop'>;

/** The running duty. Disposing ends what follows the log; its loop ends with the surroundings' signal. */
export interface MatchDuty extends AsyncDisposable {
  readonly work: Promise<void>;
  readonly api: MatchApi;
  /** A rule set that is at hand, by its hash. */
  readonly bookOf: (hash: string) => RuleBook | undefined;
  readonly ruleSet: () => string;
  readonly behindMs: () => number | null;
}

/** How often rule sets that nobody needs are looked for, milliseconds. */
const FORGET_EVERY_MS = 30_000;

/** Opens the duty; resolves when its rules are in force and its loop runs. */
export async function openMatchDuty({ boot, bus, mappings, members, around, endThread, ground }: MatchGround): Promise<MatchDuty> {
  const registry = await Registry.open(bus, endThread);
  const ruleSets = bus.bucket(RULE_SETS_BUCKET);
  const control = new RuleControl(bus.bucket(CONTROL_BUCKET), () => members.isFirst('rules', 'match'));
  const logSources = mappings.logSources();
  const { onTrouble } = around;
  const cache: KeptFileOptions = {
    folder: boot.cacheFolder,
    onIgnored: (path, reason) => onTrouble(new TocsinError('hunt.cache_ignored', { path, reason }), 'reading what was made of rules'),
  };
  const activation = await RuleActivation.open({
    registry,
    shared: boot.rules,
    logSources,
    bucket: ruleSets,
    lists: { bucket: bus.bucket(RULE_LISTS_BUCKET), nowMs: () => around.clock.nowMs() },
    programs: openProgramCache(cache),
    parsedRules: openParsedRuleStore(cache),
    latenessMs: boot.latenessMs,
    onTrouble,
    control,
  });
  const off = members.onChange(() => activation.reconsider());
  const keeping = { control, ruleSets, manifests: bus.bucket(MANIFESTS_BUCKET), shards: boot.foldShards };
  const forgetting = setInterval(() => {
    if (control.isLeader()) forgetRuleSets(keeping).catch((error: unknown) => onTrouble(error, 'removing old rule sets'));
  }, FORGET_EVERY_MS);
  let behindMs: number | null = null;
  const costs = new RuleCosts(around.clock);
  const samples = new EventSamples();
  const work = wireMatch(bus, mappings, {
    ...around,
    partitions: boot.partitions,
    idleAfterMs: boot.idleAfterMs,
    rules: () => activation.book,
    order: () => activation.order,
    orderReached: (order) => activation.orderReached(order, around.signal),
    costs,
    samples,
    isolation: isolationOf(ground, { boot, bus, around, logSources }),
    ownership: ownsPart(members, 'match', boot.partitions),
    onBehind: (ms) => (behindMs = ms),
  });
  return {
    work,
    api: answers({ bus, mappings, activation, costs, samples, startedMs: around.clock.nowMs() }),
    bookOf: (hash) => activation.bookOf(hash),
    ruleSet: () => activation.book.hash,
    behindMs: () => behindMs,
    async [Symbol.asyncDispose]() {
      clearInterval(forgetting);
      off();
      activation[Symbol.dispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

function isolationOf(
  { box, suspects, detectors, files, quarantined }: DetectorGround,
  { boot, bus, around, logSources }: Pick<MatchGround, 'boot' | 'bus' | 'around'> & { readonly logSources: readonly LogSource[] },
): Isolation {
  return {
    box,
    suspects,
    limits: boot.sandbox,
    tryAgain: (letter, body) => tryAgain({ ...around, bus }, letter, body),
    detectors: new DetectorSelection(detectors, logSources, quarantined),
    detectorFiles: files,
    logSources,
  };
}

interface AnswerGround {
  readonly bus: Bus;
  readonly mappings: MappingSet;
  readonly activation: RuleActivation;
  readonly costs: RuleCosts;
  readonly samples: EventSamples;
  readonly startedMs: number;
}

function answers({ bus, mappings, activation, costs, samples, startedMs }: AnswerGround): MatchApi {
  const bookOf = createBookShelf(bus, activation, mappings);
  return {
    rules: (tenant) => listRules(activation.book, tenant),
    cost: (tenant) => costs.of(tenant) ?? { ruleSet: activation.book.hash, sinceMs: startedMs, rules: [] },
    costs: () => costs.all(),
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
    routing: (tenant, seen) => ruleRouting(activation.book, tenant, { mappings: seen, logSources: mappings.logSources() }),
    ruleVersions: (tenant) =>
      activation.book.rulesFor(tenant).map(({ meta }) => ({ id: meta.id, title: meta.title, version: shortVersion(meta.version) })),
    catchUpScope(tenant, ids) {
      const { book, order } = activation;
      const { targets, reachMs } = catchUpRules(book, tenant, { ids, logSources: mappings.logSources() });
      for (const id of ids) if (!targets.some((rule) => rule.id === id)) throw whyNotInForce(book, tenant, id);
      return { ruleSet: book.hash, order, targets, reachMs };
    },
    check: (files, { tenant, test }) =>
      checkRules(files, { mappings, test, present: tenant === undefined ? [] : activation.book.filesOf(tenant) }),
    reached: (position, waitMs) => activation.reached(position, waitMs),
    shareRules: (files) => activation.share(files),
  };
}

function whyNotInForce(book: RuleBook, tenant: string, id: string): TocsinError {
  const { rules, refused } = listRules(book, tenant);
  const listed = rules.find((rule) => rule.id === id);
  const left = refused.find(({ rule }) => rule === id);
  if (listed?.quarantine !== undefined)
    return new TocsinError('catchup.not_in_force', { rule: id, why: `it is in quarantine (${listed.quarantine.reason})` });
  if (listed?.dormant !== undefined) return new TocsinError('catchup.not_in_force', { rule: id, why: `it ${listed.dormant}` });
  if (left !== undefined) return new TocsinError('catchup.not_in_force', { rule: id, why: `it was refused at ${left.path}:${left.line}` });
  return new TocsinError('api.not_found', { what: 'rule', id });
}

/** The rule set that judged an event; the one loaded last is kept, as people look at alerts of one day. */
function createBookShelf(bus: Bus, activation: RuleActivation, mappings: MappingSet) {
  let loaded: RuleBook | undefined;
  return async (hash: string): Promise<RuleBook | undefined> => {
    const known = activation.bookOf(hash);
    if (known !== undefined) return known;
    if (loaded?.hash !== hash)
      loaded = await RuleBook.load(bus.bucket(RULE_SETS_BUCKET), hash, {
        logSources: mappings.logSources(),
        before: activation.book,
      });
    return loaded;
  };
}
