/**
 * What outlives a memory bus's handle, in the place of a server: streams, groups, buckets, and the ways in which a real
 * server is not there (paused, stopped, killed with commits under way), so that callers can be tried against them.
 */
import { type Clock, createUlidGenerator, systemClock, TocsinError } from '@tocsin/core';
import type { Drift, Outgoing, Published, SubjectFilter, Topology } from '../event-bus.ts';
import { filtersOverlap, matchesSubject } from '../subject-filter.ts';
import { checkTopology, createdDrift, streamDrift, streamOf } from '../topology-check.ts';
import { type Alarms, createSystemAlarms } from './alarms.ts';
import { Bell } from './bell.ts';
import { type CommitRequest, createCommitRequest } from './commit-request.ts';
import { MemoryBucket } from './memory-bucket.ts';
import { MemoryStream } from './memory-stream.ts';
import { MemorySwitchboard } from './memory-switchboard.ts';

/** What a memory server is made of; every field has a default. */
export interface MemoryServerOptions {
  /** Site id in its positions. */
  readonly site?: string | undefined;
  readonly clock?: Clock | undefined;
  /** Alarms of the same clock. */
  readonly alarms?: Alarms | undefined;
  /** 0 ≤ x < 1; decides which commits under way a kill stores. */
  readonly random?: (() => number) | undefined;
  /** Most bytes kept in all streams together, remembered ids included; beyond it `bus.full`. */
  readonly maxBytes?: number | undefined;
  /** After this long without an answer a commit is `bus.unknown` and any other request `bus.unavailable`, milliseconds. */
  readonly answerTimeoutMs?: number | undefined;
}

/** Commits sent and not yet answered; one more is refused as `bus.unavailable`. */
const MAX_WAITING_COMMITS = 1024;
/** Digits of a stream's generation: 50 random bits out of a ULID. */
const GENERATION_DIGITS = 10;

/** Streams and buckets of one site in memory. Nothing is kept beyond the process. */
export class MemoryServer {
  readonly site: string;
  readonly clock: Clock;
  readonly alarms: Alarms;
  readonly answerTimeoutMs: number;
  /** Names of what handles have open and not yet released. */
  readonly open = new Set<{ readonly what: string }>();
  readonly switchboard = new MemorySwitchboard();
  readonly #streams = new Map<string, MemoryStream>();
  readonly #buckets = new Map<string, MemoryBucket>();
  readonly #bell = new Bell();
  readonly #random: () => number;
  readonly #maxBytes: number;
  readonly #newId: () => string;
  #state: 'up' | 'paused' | 'down' = 'up';
  #inbox: CommitRequest[] = [];
  #planAlarm: Disposable | undefined;

  constructor(options: MemoryServerOptions = {}) {
    this.site = options.site ?? 'memory';
    this.clock = options.clock ?? systemClock;
    this.alarms = options.alarms ?? createSystemAlarms(this.clock);
    this.answerTimeoutMs = options.answerTimeoutMs ?? 5_000;
    this.#random = options.random ?? Math.random;
    this.#maxBytes = options.maxBytes ?? 512 * 1024 * 1024;
    this.#newId = createUlidGenerator(this.clock);
  }

  /** Answers nothing until `resume`; what is sent meanwhile waits. */
  pause(): void {
    if (this.#state === 'up') this.#state = 'paused';
  }

  resume(): void {
    if (this.#state === 'paused') this.start();
  }

  /** Goes away. A kill answers no commit under way and stores some of them; without it they are stored and answered first. */
  stop(options: { kill: boolean }): void {
    const requests = this.#inbox;
    this.#inbox = [];
    for (const request of requests) {
      if (options.kill) request.giveUp('the server was killed');
      if (!options.kill || this.#random() < 0.5) this.#apply(request);
    }
    this.#state = 'down';
    this.switchboard.loseAll();
    this.mindPlans();
    this.#bell.ring();
  }

  /** Comes back with everything it had. */
  start(): void {
    this.#state = 'up';
    this.#bell.ring();
    this.#drain();
  }

  /** Removes a stream with its groups, as an operator would; whoever reads it is told. */
  dropStream(name: string): void {
    const stream = this.#streams.get(name);
    if (stream === undefined) return;
    this.#streams.delete(name);
    stream.dropped = true;
    stream.bell.ring();
  }

  /** Resolves once the server answers. @throws bus.unavailable when it is stopped, or does not answer in time */
  async reach(signal: AbortSignal): Promise<void> {
    const giveUpMs = this.clock.monotonicMs() + this.answerTimeoutMs;
    signal.throwIfAborted();
    while (this.#state !== 'up') {
      if (this.#state === 'down') throw new TocsinError('bus.unavailable', { reason: 'the server is stopped' });
      if (this.clock.monotonicMs() >= giveUpMs) {
        throw new TocsinError('bus.unavailable', { reason: `no answer came within ${this.answerTimeoutMs} ms` });
      }
      await this.ringOrTime(this.#bell, giveUpMs, signal);
    }
  }

  get isDown(): boolean {
    return this.#state === 'down';
  }

  /** Whether a stream takes subjects of a filter. */
  takes(filter: SubjectFilter): boolean {
    return [...this.#specs()].some((spec) => spec.subjects.some((taken) => filtersOverlap(taken, filter)));
  }

  /** Resolves once the server answers, however long that takes. */
  async whenUp(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    while (this.#state !== 'up') await this.#bell.wait(signal);
  }

  /** Resolves at the next ring, or at a time of the monotonic clock if it is finite. */
  async ringOrTime(bell: Bell, atMs: number, signal: AbortSignal): Promise<void> {
    const alarm = Number.isFinite(atMs) ? this.alarms.at(atMs, () => bell.ring()) : undefined;
    try {
      await bell.wait(signal);
    } finally {
      alarm?.[Symbol.dispose]();
    }
  }

  /** Sends a commit. It is applied in the order sent, in a later turn of the event loop. @throws bus.unavailable */
  submit(messages: readonly Outgoing[]): CommitRequest {
    if (this.#state === 'down') throw new TocsinError('bus.unavailable', { reason: 'the server is stopped' });
    if (this.#inbox.length >= MAX_WAITING_COMMITS)
      throw new TocsinError('bus.unavailable', { reason: 'too many commits wait for an answer' });
    const request = createCommitRequest(messages, this);
    this.#inbox.push(request);
    queueMicrotask(() => this.#drain());
    return request;
  }

  stream(filter: SubjectFilter): MemoryStream {
    const stream = streamOf(this.#specs(), filter);
    return this.streamNamed(stream.name);
  }

  /** @throws bus.no_stream */
  streamNamed(name: string): MemoryStream {
    const stream = this.#streams.get(name);
    if (stream === undefined) throw new TocsinError('bus.no_stream', { what: name });
    stream.expire(this.clock.nowMs());
    return stream;
  }

  /** @throws bus.no_stream */
  bucket(name: string): MemoryBucket {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) throw new TocsinError('bus.no_stream', { what: `bucket ${name}` });
    return bucket;
  }

  ensure(topology: Topology): Drift[] {
    checkTopology(topology);
    const drift: Drift[] = [];
    for (const declared of topology.streams) {
      const stream = this.#streams.get(declared.name);
      if (stream === undefined) {
        const generation = this.#newId().slice(-GENERATION_DIGITS);
        this.#streams.set(declared.name, new MemoryStream({ ...declared }, { site: this.site, stream: declared.name, generation }));
        drift.push(createdDrift(declared.name, 'stream'));
      } else {
        drift.push(...streamDrift(declared, stream.spec));
        stream.update({ ...declared, retention: stream.spec.retention }, this.clock.nowMs());
      }
    }
    return drift.concat(this.#ensureBuckets(topology));
  }

  #ensureBuckets(topology: Topology): Drift[] {
    const drift: Drift[] = [];
    for (const declared of topology.buckets) {
      const bucket = this.#buckets.get(declared.name);
      if (bucket === undefined) {
        this.#buckets.set(declared.name, new MemoryBucket({ ...declared }));
        drift.push(createdDrift(declared.name, 'bucket'));
      } else if (bucket.spec.ttlMs !== declared.ttlMs) {
        drift.push({
          kind: 'updated',
          name: declared.name,
          field: 'ttlMs',
          declared: String(declared.ttlMs),
          found: String(bucket.spec.ttlMs),
        });
        bucket.spec = { ...declared };
        bucket.bell.ring();
      }
    }
    return drift;
  }

  #specs(): Iterable<MemoryStream['spec']> {
    return [...this.#streams.values()].map((stream) => stream.spec);
  }

  #drain(): void {
    while (this.#state === 'up') {
      const request = this.#inbox.shift();
      if (request === undefined) return this.mindPlans();
      this.#apply(request);
    }
    for (const request of this.#inbox) request.limitWait();
  }

  /** Puts plans that are due where they belong, and wakes for the next. A server that is not up does nothing in time. */
  mindPlans(): void {
    this.#planAlarm?.[Symbol.dispose]();
    this.#planAlarm = undefined;
    if (this.#state !== 'up') return;
    const nowMs = this.clock.nowMs();
    const nextMs = Math.min(...[...this.#streams.values()].map((stream) => stream.firePlans(nowMs)));
    if (Number.isFinite(nextMs)) this.#planAlarm = this.alarms.at(this.clock.monotonicMs() + nextMs - nowMs, () => this.mindPlans());
  }

  #apply(request: CommitRequest): void {
    request.settle(() => this.#commit(request.messages));
  }

  #commit(messages: readonly Outgoing[]): Published[] {
    const [first] = messages;
    if (first === undefined) return [];
    const stream = this.stream(first.subject);
    for (const { subject } of messages) {
      if (stream.spec.subjects.some((taken) => matchesSubject(taken, subject))) continue;
      const other = this.stream(subject);
      throw new TocsinError('bus.bad_commit', { reason: `its messages belong to the streams ${stream.name} and ${other.name}` });
    }
    let room = this.#maxBytes;
    for (const each of this.#streams.values()) room -= each.footprint;
    return stream.store(messages, this.clock.nowMs(), room);
  }
}
