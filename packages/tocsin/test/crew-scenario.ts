/** Events that several members judge while they come and go, and what must come of them whoever they were. */
import type { CompleteBus } from '@tocsin/bus';
import type { Alert } from '@tocsin/core';
import { RuleBook } from '../src/rules/rule-book.ts';
import { commitUntilStored } from '../src/state/commit-until-stored.ts';
import { untilAnswered } from '../src/state/until-answered.ts';
import { EVENT_LANES, eventsFilter } from '../src/subjects.ts';
import { RULE_SETS_BUCKET } from '../src/topology.ts';
import { type CrewMember, type CrewOptions, joinCrew } from './crew.ts';
import { logSources, readAlerts, readSteps, ruleFile, storeEvents, until } from './ground.ts';

const correlation = (id: string, text: string): { path: string; text: string } => ({
  path: `${id}.yml`,
  text: `title: ${id}\nid: ${id}\nname: ${id}\nlevel: high\ncorrelation: ${text}\n`,
});

/** Plain hits, counts by one key, kinds by another, an order, a chain over the counts, and a count over keys that lie in several partitions. */
const crewBook = RuleBook.compile(
  [
    ruleFile('hit', 'hit'),
    ruleFile('other', 'other'),
    correlation('many', '{ type: event_count, rules: [hit], group-by: [user], timespan: 10m, condition: { gte: 5 }, generate: true }'),
    correlation('wide', '{ type: event_count, rules: [hit], group-by: [team], timespan: 10m, condition: { gte: 6 } }'),
    correlation('kinds', '{ type: value_count, rules: [hit], group-by: [host], timespan: 10m, condition: { field: user, gte: 3 } }'),
    correlation('order', '{ type: temporal_ordered, rules: [hit, other], group-by: [host], timespan: 10m, generate: true }'),
    correlation('low', '{ type: event_count, rules: [other], group-by: [user, host], timespan: 10m, condition: { gte: 2 } }'),
    correlation('high', '{ type: event_count, rules: [low], group-by: [host], timespan: 10m, condition: { gte: 2 } }'),
  ],
  logSources,
);

/** A generator of numbers from 0 to 1, the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed + 1;
  return () => ((state = (state * 48271) % 2147483647) % 1_000_000) / 1_000_000;
}

/** What is done with the crew before an event is stored. */
export type CrewPlan = ReadonlyMap<number, (crew: Map<string, CrewMember>, join: (id: string) => Promise<void>) => Promise<void>>;

/** What came of it. */
export interface CrewOutcome {
  readonly alerts: Readonly<Record<string, readonly unknown[]>>;
  /** Matches by rule and event, each as often as it was written. */
  readonly matches: readonly string[];
  readonly troubles: readonly string[];
}

/** How long all may take to be settled, milliseconds: a cluster on a busy machine elects for longer than an idle one. */
const SETTLE_MS = 75_000;
/** Event time of the first event, milliseconds since 1970: the same in every run. */
const BASE_MS = 1_700_000_000_000;

/** Stores `count` events while the crew changes by plan, waits until all is settled, ends the crew, and says what came of it. */
export async function runCrew(
  options: Omit<CrewOptions, 'book'>,
  { first, plan, count, seed }: { first: readonly string[]; plan: CrewPlan; count: number; seed: number },
): Promise<CrewOutcome> {
  const bus = await options.openBus();
  await crewBook.save(bus.bucket(RULE_SETS_BUCKET));
  const crew = new Map<string, CrewMember>();
  const gone: CrewMember[] = [];
  const join = async (id: string): Promise<void> => void crew.set(id, await joinCrew({ ...options, book: crewBook }, id));
  for (const id of first) await join(id);
  const next = seeded(seed);
  const pick = (most: number): number => Math.floor(next() * most);
  for (let i = 0; i < count; i++) {
    const before = [...crew.values()];
    await plan.get(i)?.(crew, join);
    gone.push(...before.filter((one) => !crew.has(one.id)));
    const host = pick(24);
    const fields = { act: next() < 0.7 ? 'hit' : 'other', user: `u${host % 7}-${pick(4)}`, host: `h${host}`, team: `t${pick(3)}` };
    const timeMs = BASE_MS + i * 100;
    // Each host's events are of one source, in one partition, as a framer would have it.
    const event = { id: `e${i}`, fields, host: `h${host}`, source: `s${host % 7}`, timeMs, receivedMs: timeMs };
    await storeEvents(patient(bus), [event], { tenant: host % 2 === 0 ? 'acme' : 'globex', partition: (host % 7) % options.partitions });
  }
  await settle(bus, crew, options.shards).catch((cause: unknown) => {
    throw new Error(`not settled: ${[...crew.values()].map((one) => `${one.id}: ${one.troubles.slice(-8).join(' | ')}`).join('\n')}`, {
      cause,
    });
  });
  for (const member of crew.values()) await member.leave();
  const alerts = outcomeOf(await readAlerts(bus));
  const matches = (await readSteps(bus)).flatMap((step) => step.matches.map((match) => `${match.ruleId} ${match.evidence.eventId}`));
  await bus[Symbol.asyncDispose]();
  return { alerts, matches: matches.sort(), troubles: [...gone, ...crew.values()].flatMap((one) => one.troubles) };
}

/** A bus whose commits are sent again with the same ids until they are stored, as a producer's would be. */
function patient(bus: CompleteBus): CompleteBus {
  const { signal } = new AbortController();
  return { ...bus, commit: (messages) => commitUntilStored(bus, messages, { signal, onRetry: () => undefined }) };
}

async function settle(bus: CompleteBus, crew: ReadonlyMap<string, CrewMember>, shards: number): Promise<void> {
  const { signal } = new AbortController();
  for (const lane of EVENT_LANES) {
    const { last, messages } = await untilAnswered(() => bus.info(eventsFilter(lane)), { signal, onRetry: () => undefined });
    if (last === undefined || messages === 0) continue;
    await until(async () => {
      const settled = await Promise.all([...crew.values()].map((one) => one.settled.reached(lane, last, 200)));
      return new Set(settled.flat()).size === shards;
    }, SETTLE_MS);
  }
}

/**
 * The last state of each alert, without what depends on when it was written, by id. Where a group's events lie in several partitions, the
 * log's order among these decides which window is seen first, and with it the id: such alerts are told apart by what they say.
 */
function outcomeOf(alerts: readonly Alert[]): Record<string, unknown[]> {
  const newest = new Map<string, Alert>();
  for (const alert of alerts) newest.set(alert.id, alert);
  return Object.fromEntries(
    [...newest]
      .map(([id, alert]): [string, unknown[]] => {
        const said = [alert.rule.id, alert.tenant, alert.groupBy, alert.count, alert.firstMs, alert.lastMs];
        return [alert.rule.id === 'wide' ? JSON.stringify(said) : id, said];
      })
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
