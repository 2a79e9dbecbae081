/**
 * One look at the log: how full each stream is, and how far everybody has read who must have read a message before it may go. What
 * cannot be asked is as it was last known; what never was known has read nothing, so that nothing is removed under it.
 */
import {
  type ConsumerInfo,
  parsePosition,
  type ReplayLog,
  type StateStore,
  type StreamSpec,
  type SubjectFilter,
  type Topology,
} from '@tocsin/bus';
import { isTocsinError, type Lane, type Position } from '@tocsin/core';
import type { DetectApi } from '../duties/detect-api.ts';
import { getFoldsPlace } from '../duties/folds-place.ts';
import { firstFrame, parseStep, type ReadPositions } from '../duties/partition-progress.ts';
import type { StoreApi } from '../duties/store-api.ts';
import type { ThreadClient } from '../duties/thread-call.ts';
import { eventsFilter, MATCHES_FILTER, matchesSubject } from '../subjects.ts';
import { isKept, MANIFESTS_BUCKET } from '../topology.ts';

/** Somebody who must have read a message before it may go. */
export interface Reader {
  readonly name: string;
  /** Number of the message read last; 0 before the first. */
  readonly sequence: number;
  /** Number of the last message it would not read again after a crash, where that is less. */
  readonly settled?: number | undefined;
  /** False where it could not be asked just now. */
  readonly isCurrent: boolean;
}

/** A stream as it is now. */
export interface SurveyedStream {
  readonly name: string;
  readonly filter: SubjectFilter;
  /** -1: no limit. */
  readonly maxBytes: number;
  readonly messages: number;
  readonly bytes: number;
  /** Undefined where it is empty. */
  readonly first: Position | undefined;
  readonly last: Position | undefined;
  readonly readers: readonly Reader[];
  /** Of MATCHES: the newest step of each partition, which is its checkpoint and stays. */
  readonly newest?: readonly { readonly filter: string; readonly sequence: number }[];
}

/** What a look needs. */
export interface SurveySources {
  readonly bus: ReplayLog & StateStore;
  readonly topology: Topology;
  readonly partitions: number;
  readonly foldShards: number;
  readonly store: Pick<ThreadClient<StoreApi>, 'progress'>;
  readonly detect: Pick<ThreadClient<DetectApi>, 'foldedTo'>;
  /** Whether anybody still waits for what a group has not read: none does for a sink that the settings no longer name. */
  readonly isWanted: (group: string) => boolean;
}

/** Number of a position; 0 for none. */
export function sequenceOf(position: Position | undefined): number {
  return position === undefined ? 0 : parsePosition(position).sequence;
}

/** Takes looks; remembers how far readers were when they were last asked. */
export class Survey {
  readonly #sources: SurveySources;
  readonly #known = new Map<string, number>();
  /** Steps as last read, and the end of MATCHES then: while it has not moved, they are the same. */
  #steps: { readonly end: Position | undefined; readonly matcher: Matcher } | undefined;

  constructor(sources: SurveySources) {
    this.#sources = sources;
  }

  /** Every stream that has a size limit and that the keeper minds. @throws bus.unavailable and what else the bus answers */
  async look(): Promise<SurveyedStream[]> {
    const [match, checkpoint, correlate, store] = await Promise.all([
      this.#matcher(),
      getFoldsPlace(this.#sources.bus.bucket(MANIFESTS_BUCKET), this.#sources.foldShards),
      answerOf(this.#sources.detect.foldedTo().then((position) => ({ position }))),
      answerOf(this.#sources.store.progress()),
    ]);
    const stored = (position: Position | undefined): Place => ({ sequence: sequenceOf(position), isCurrent: store !== undefined });
    const matched = (sequence: number): Place => ({ sequence, isCurrent: true });
    const correlated: Place = { sequence: sequenceOf(correlate?.position), isCurrent: correlate !== undefined };
    const readers: Readonly<Record<string, readonly Reader[]>> = {
      EVENTS_LIVE: [
        this.#reader('match', 'EVENTS_LIVE', matched(match.read.live)),
        this.#reader('store', 'EVENTS_LIVE', stored(store?.live)),
      ],
      EVENTS_BULK: [
        this.#reader('match', 'EVENTS_BULK', matched(match.read.bulk)),
        this.#reader('store', 'EVENTS_BULK', stored(store?.bulk)),
      ],
      MATCHES: [{ ...this.#reader('correlate', 'MATCHES', correlated), settled: sequenceOf(checkpoint) }],
      ALERTS: [this.#reader('store', 'ALERTS', stored(store?.alerts))],
    };
    const limited = this.#sources.topology.streams.filter((spec) => spec.maxBytes >= 0 && isKept(spec));
    return Promise.all(limited.map((spec) => this.#surveyed(spec, readers[spec.name] ?? [], match.newest)));
  }

  async #surveyed(spec: StreamSpec, readers: readonly Reader[], newest: Matcher['newest']): Promise<SurveyedStream> {
    const filter = spec.subjects[0] ?? spec.name;
    const { messages, bytes, first, last, consumers } = await this.#sources.bus.info(filter);
    const groups = consumers.filter(({ group }) => this.#sources.isWanted(group)).map((group) => groupReader(group, last));
    const all = [...readers, ...groups];
    const stream = { name: spec.name, filter, maxBytes: spec.maxBytes, messages, bytes, first, last, readers: all };
    return spec.name === 'MATCHES' ? { ...stream, newest } : stream;
  }

  #reader(name: string, stream: string, { sequence, isCurrent }: Place): Reader {
    const key = `${stream} ${name}`;
    if (isCurrent) this.#known.set(key, sequence);
    return { name, sequence: this.#known.get(key) ?? 0, isCurrent };
  }

  /** As the steps say that everybody can read: whichever process matches. */
  async #matcher(): Promise<Matcher> {
    const { bus, partitions } = this.#sources;
    const { last: end } = await bus.info(MATCHES_FILTER);
    if (this.#steps !== undefined && this.#steps.end === end) return this.#steps.matcher;
    const subjects = Array.from({ length: partitions }, (_, partition) => matchesSubject(partition));
    const newest: { filter: string; sequence: number }[] = [];
    const reads: ReadPositions[] = [];
    for (const stored of await Promise.all(subjects.map((subject) => bus.last(subject)))) {
      reads.push(stored === undefined ? {} : parseStep(stored).read);
      if (stored !== undefined) newest.push({ filter: stored.subject, sequence: sequenceOf(stored.position) });
    }
    const [live, bulk] = await Promise.all([this.#judged('live', reads), this.#judged('bulk', reads)]);
    const read = { live, bulk };
    this.#steps = { end, matcher: { read, newest } };
    return this.#steps.matcher;
  }

  /** Each partition's steps tell of that partition alone: everything before the first frame that one of them has not judged. */
  async #judged(lane: Lane, reads: readonly ReadPositions[]): Promise<number> {
    const { bus } = this.#sources;
    const { last } = await bus.info(eventsFilter(lane));
    if (last === undefined) return 0;
    const open = await Promise.all(reads.map((read, partition) => firstFrame(bus, { lane, partition, after: read[lane], until: last })));
    return open.reduce((least, position) => (position === undefined ? least : Math.min(least, sequenceOf(position) - 1)), sequenceOf(last));
  }
}

/** A group reads only what its filter fits: with nothing before it, it is at the end of the stream, though it has never acknowledged anything there. */
function groupReader({ group, pending, unacknowledged, acknowledged }: ConsumerInfo, last: Position | undefined): Reader {
  return { name: group, sequence: sequenceOf(pending + unacknowledged === 0 ? last : acknowledged), isCurrent: true };
}

/** What a duty answers; undefined while it is down. */
async function answerOf<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isTocsinError(error, 'api.duty_down')) return undefined;
    throw error;
  }
}

/** Where a reader says it is; not current where its duty did not answer. */
interface Place {
  readonly sequence: number;
  readonly isCurrent: boolean;
}

interface Matcher {
  /** Number up to which everything of a lane is judged. */
  readonly read: Readonly<Record<Lane, number>>;
  readonly newest: readonly { readonly filter: string; readonly sequence: number }[];
}
