/**
 * Members that share the duties of one installation, within one process: each with a bus of its own, joining, leaving, or gone from one
 * moment to the next as a process that is killed.
 */
import type { CompleteBus } from '@tocsin/bus';
import { systemClock } from '@tocsin/core';
import { runCorrelateShards } from '../src/duties/correlate-shards.ts';
import { runMatcher } from '../src/duties/matcher.ts';
import { ownsPart } from '../src/duties/ownership.ts';
import { firstFrame } from '../src/duties/partition-progress.ts';
import { SettledShards } from '../src/duties/settled-shards.ts';
import { Members } from '../src/members/members.ts';
import type { RuleBook } from '../src/rules/rule-book.ts';
import { MANIFESTS_BUCKET, MEMBERS_BUCKET, RULE_SETS_BUCKET, SET_ASIDE_BUCKET } from '../src/topology.ts';
import { dropInto, fieldsOf, logSources } from './ground.ts';

/** What a crew works with. */
export interface CrewOptions {
  readonly openBus: () => Promise<CompleteBus>;
  readonly book: RuleBook;
  readonly partitions: number;
  readonly shards: number;
  /** Short ones make short tests. */
  readonly heartbeatMs?: number;
  readonly leaseMs?: number;
}

/** One member at work. */
export interface CrewMember {
  readonly id: string;
  readonly members: Members;
  readonly settled: SettledShards;
  readonly troubles: readonly string[];
  /** Finishes and lets go. */
  leave(): Promise<void>;
  /** Ends in the middle of whatever it does; its record stays until its lease ends. */
  vanish(): Promise<void>;
}

let epochs = 0;

/** A member of a crew begins. */
export async function joinCrew(options: CrewOptions, id: string): Promise<CrewMember> {
  const { book, partitions, shards, heartbeatMs = 40, leaseMs = 160 } = options;
  const bus = await options.openBus();
  const stop = new AbortController();
  const giveUp = new AbortController();
  const troubles: string[] = [];
  const onTrouble = (error: unknown, what: string): void => void troubles.push(`${what}: ${String(error)}`);
  epochs += 1;
  const epoch = `epoch-${String(epochs).padStart(6, '0')}`;
  const members = await Members.open({
    bucket: bus.bucket(MEMBERS_BUCKET),
    id,
    epoch,
    duties: ['match', 'correlate'],
    version: 'test',
    clock: systemClock,
    onTrouble,
    onReplaced: (error) => onTrouble(error, 'replaced'),
    heartbeatMs,
    leaseMs,
  });
  const settled = new SettledShards(partitions, (asked) => firstFrame(bus, asked));
  const around = { bus, clock: systemClock, onTrouble, signal: stop.signal, giveUp: giveUp.signal };
  const work = Promise.allSettled([
    runMatcher({
      drop: dropInto(bus),
      ...around,
      partitions,
      idleAfterMs: 3_600_000,
      epoch,
      rules: () => book,
      fieldsOf,
      ownership: ownsPart(members, 'match', partitions),
    }),
    runCorrelateShards({
      drop: dropInto(bus),
      setAside: bus.bucket(SET_ASIDE_BUCKET),
      folding: { detectors: [], suspects: [] },
      ...around,
      manifests: bus.bucket(MANIFESTS_BUCKET),
      ruleSets: bus.bucket(RULE_SETS_BUCKET),
      logSources,
      shards,
      ownership: ownsPart(members, 'correlate', shards),
      settled,
      onWaiting: () => undefined,
    }),
  ]);
  void work.then((ends) => ends.forEach((one) => one.status === 'rejected' && onTrouble(one.reason, 'ended')));
  return {
    id,
    members,
    settled,
    troubles,
    async leave() {
      stop.abort();
      for (const one of await work) if (one.status === 'rejected') throw one.reason;
      await members[Symbol.asyncDispose]();
      await bus[Symbol.asyncDispose]();
    },
    async vanish() {
      await bus[Symbol.asyncDispose]();
      stop.abort();
      giveUp.abort();
      await work;
      await members[Symbol.asyncDispose]();
    },
  };
}
