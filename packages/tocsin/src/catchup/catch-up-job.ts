/** A catch-up as it is kept in its bucket: what was asked for, where it begins, and how far it has come. One record per catch-up. */
import { parsePosition, type StateBucket } from '@tocsin/bus';
import { isTocsinError, type Position, TocsinError } from '@tocsin/core';
import type { StepMark } from '@tocsin/store';
import type { RuleRef } from './catch-up-rules.ts';

/** Where a catch-up stands: `folded` when the folds go on from its states and only alerts that it makes void are left to be marked. */
export type CatchUpState = 'waiting' | 'running' | 'folded' | 'done' | 'failed';

/** What came of the alerts. */
export interface CatchUpAlerts {
  /** Alerts that there were none of before. */
  readonly raised: number;
  /** Alerts whose count or time is another now. */
  readonly changed: number;
  /** Alerts that were right. */
  readonly confirmed: number;
  /** Alerts that a part of the events had raised: another alert has their events by now. */
  readonly superseded: number;
}

/** One catch-up. */
export interface CatchUpJob {
  readonly id: string;
  readonly tenant: string;
  /** Who asked for it. */
  readonly actor: string;
  /** Ids of the rules asked for. */
  readonly rules: readonly string[];
  readonly targets: readonly RuleRef[];
  /** Rule set that judges, and its order. */
  readonly ruleSet: string;
  readonly order: number;
  /** Event time of what is judged, milliseconds since 1970; without bounds where absent. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** Whether what earlier versions have judged is judged again. */
  readonly otherVersions: boolean;
  /** Steps stored since then are folded again, milliseconds since 1970; and where each partition stood then. */
  readonly startMs: number;
  readonly marks: readonly StepMark[];
  /** Least revision of the alerts it writes. */
  readonly revision: number;
  readonly state: CatchUpState;
  /** Events to be judged, as the ledger had them when it was asked for. */
  readonly events: number;
  /** Events judged so far; events that were to be judged and are no longer kept. */
  readonly judged: number;
  readonly gone: number;
  /** 0 … 1. */
  readonly share: number;
  readonly alerts: CatchUpAlerts;
  /** Of one that failed. */
  readonly reason?: string | undefined;
  /** Where it said on MATCHES that it was done. */
  readonly doneAt?: string | undefined;
  readonly createdMs: number;
  readonly updatedMs: number;
}

/** A job and the revision it stands at. */
export interface KeptJob {
  readonly job: CatchUpJob;
  readonly at: number;
}

/** What a catch-up did about an alert: there was none, it was another, or it was right. */
export type AlertOutcome = 'raised' | 'changed' | 'confirmed';

/** An alert that a catch-up found, as far as others are compared with it. */
export interface FoundAlert {
  readonly id: string;
  readonly ruleId: string;
  readonly group: string;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Once it is written. */
  readonly outcome?: AlertOutcome | undefined;
}

const JOB = 'job-';
const GENERATION = 'catch-up.generation';
/** Revisions between two catch-ups: more than any alert is changed. */
const REVISIONS = 2 ** 32;
/** Catch-ups that are remembered. */
const MAX_JOBS = 100;

/** Key of the states that a catch-up leaves to the folds: what a note points at stays what it was, whoever goes on with the catch-up. */
export const statesKey = (job: string, upTo: Position): string => `states-${job}-${parsePosition(upTo).sequence}`;
/** Key of where a catch-up stands itself, and of what it has found. */
export const pointKey = (job: string): string => `point-${job}`;
export const foundKey = (job: string): string => `found-${job}`;

/** Alerts of one group of a rule are compared by this. */
export function groupOf(groupBy: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(groupBy).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** All catch-ups, the newest first. */
export async function listJobs(bucket: StateBucket): Promise<KeptJob[]> {
  const keys = (await bucket.keys()).filter((key) => key.startsWith(JOB)).sort();
  const jobs = await Promise.all(keys.reverse().map((key) => readJob(bucket, key.slice(JOB.length))));
  return jobs.filter((job) => job !== undefined);
}

/** One catch-up; undefined where there is none of the id. */
export async function readJob(bucket: StateBucket, id: string): Promise<KeptJob | undefined> {
  const entry = await bucket.get(`${JOB}${id}`);
  return entry && { job: JSON.parse(Buffer.from(entry.value).toString()) as CatchUpJob, at: entry.revision };
}

/** Writes a catch-up; 0 for a new one. @throws bus.fenced where somebody else has written it since */
export async function putJob(bucket: StateBucket, { job, at }: KeptJob): Promise<KeptJob> {
  return { job, at: await bucket.put(`${JOB}${job.id}`, Buffer.from(JSON.stringify(job)), at) };
}

/** Makes room for one more. @throws catchup.too_many */
export async function makeRoom(bucket: StateBucket): Promise<void> {
  const jobs = await listJobs(bucket);
  if (jobs.length < MAX_JOBS) return;
  const ended = jobs.filter(({ job }) => job.state === 'done' || job.state === 'failed').at(-1);
  if (ended === undefined) throw new TocsinError('catchup.too_many', { most: MAX_JOBS });
  await bucket.delete(`${JOB}${ended.job.id}`, ended.at);
}

/** The least revision of a new catch-up's alerts: above those of all before it, which is why the bucket must be one that forgets nothing. */
export async function nextRevision(bucket: StateBucket): Promise<number> {
  for (;;) {
    const entry = await bucket.get(GENERATION);
    const generation = 1 + (entry === undefined ? 0 : Number(Buffer.from(entry.value).toString()));
    try {
      await bucket.put(GENERATION, Buffer.from(String(generation)), entry?.revision ?? 0);
      return generation * REVISIONS;
    } catch (error) {
      if (!isTocsinError(error, 'bus.fenced')) throw error;
    }
  }
}
