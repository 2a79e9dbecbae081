/**
 * The seam between Tocsin and whatever carries its log: four small interfaces, of which an adapter says in `guarantees`
 * which it provides; the fourth, `RequestReply`, is in `request-reply.ts`. Subjects are dot-separated tokens; filters may use `*` (one token) and a last `>` (one or more).
 * What every adapter must hold to is the contract suite in `contract/`.
 */
import type { Position } from '@tocsin/core';
import type { RequestReply } from './request-reply.ts';

/** A subject without wildcards, such as `tocsin.events.live.3.acme`. */
export type Subject = string;

/** A subject that may hold `*` and a last `>`. */
export type SubjectFilter = string;

/** What an adapter promises: data, shown to operators and read by the contract suite. */
export interface Guarantees {
  /** Name shown to operators, such as `nats` or `memory`. */
  readonly bus: string;
  /** What an acknowledgement survives: `none` the end of the process, `process` its kill, `fsync` a power cut. */
  readonly durability: 'none' | 'process' | 'fsync';
  readonly ordering: 'stream' | 'subject' | 'none';
  /** Whether a commit of several messages to one stream is stored wholly or not at all. */
  readonly atomicCommit: boolean;
  /** Most messages in one commit. */
  readonly maxCommitMessages: number;
  /** Largest message, headers included, in bytes. */
  readonly maxMessageBytes: number;
  /** How long the id of a stored message is remembered, milliseconds; 0 where it is not. */
  readonly dedupWindowMs: number;
  readonly redelivery: boolean;
  /** Whether `ReplayLog` and `StateStore` are provided. */
  readonly replay: boolean;
  readonly state: boolean;
  /** Whether messages can be planned: kept now and put on another subject at a time. */
  readonly plans: boolean;
  /** Whether `RequestReply` is provided. */
  readonly questions: boolean;
}

/** When a message is to be put where. */
export interface Plan {
  /** Subject of the same stream, another than the message's own. */
  readonly subject: Subject;
  /** Milliseconds since 1970; at once where it has passed. */
  readonly atMs: number;
}

/** A message to be stored. `body` belongs to the bus until the commit settles. */
export interface Outgoing {
  readonly subject: Subject;
  /** Deterministic id: a second message with it is a duplicate and is not stored again within `dedupWindowMs`. */
  readonly id: string;
  /** Short text headers; names and values are printable ASCII. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body: Uint8Array;
  /**
   * Last position of its subject as the writer knows it (`none`: nothing there now); otherwise the commit is refused as
   * `bus.fenced`. Only the first message of a subject in a commit may have one. Not looked at where the message is a duplicate.
   */
  readonly expect?: Position | 'none' | undefined;
  /**
   * Makes it a plan, which must be the only message of its commit, in a stream with `hasPlans`: it stays on its own subject until its time, and then it is
   * on the other one and no longer on this. A subject has one plan: a later one takes its place, and whoever purges it calls it off. What was on its way when
   * the bus went down is put there when it is back.
   */
  readonly plan?: Plan | undefined;
}

/** How a commit is made. */
export interface CommitOptions {
  readonly signal?: AbortSignal | undefined;
  /**
   * False where the writer does not need one unit: a rejection may then leave some of the messages stored, and those that met no
   * expectation do not hold back the others. Cheaper for a few messages. True by default.
   */
  readonly asUnit?: boolean | undefined;
}

/** Where a message was stored. */
export interface Published {
  readonly subject: Subject;
  readonly id: string;
  readonly position: Position;
  /** True when it was there already, stored by an earlier commit. */
  readonly duplicate: boolean;
}

/** A message as read back. Bytes are views: copy to keep. */
export interface Stored {
  readonly subject: Subject;
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly position: Position;
  /** When the bus stored it, milliseconds since 1970. */
  readonly storedMs: number;
  /** What it waits for, where it is a plan. */
  readonly plan?: Plan | undefined;
}

/** A message delivered for handling. The first of `ack`, `retry`, `reject` wins and says so by returning true; `extend` restarts the ack wait. */
export interface Delivery {
  readonly message: Stored;
  readonly position: Position;
  /** 1 for the first delivery. */
  readonly attempt: number;
  ack(): boolean;
  extend(): void;
  /** Delivered again after `afterMs`. */
  retry(options?: { afterMs?: number }): boolean;
  /** Not delivered again. Keeping it elsewhere is the caller's job. */
  reject(reason: string): boolean;
}

/** Deliveries until disposed. Leaving the loop releases nothing by itself: dispose it. */
export interface Subscription extends AsyncIterable<Delivery>, AsyncDisposable {}

/** Where a subscription starts that has no history, or a reader. */
export type Start = 'first' | 'new' | Date | { readonly after: Position };

/** How a group consumes. Members of one group share the work. */
export interface SubscribeOptions {
  /** Durable name: its progress outlives its members. */
  readonly group: string;
  readonly start: Start;
  /** Most bytes and messages delivered and not yet settled, per member. */
  readonly maxBytes?: number | undefined;
  readonly maxMessages?: number | undefined;
  /** After this long without an answer a message is delivered again, milliseconds. */
  readonly ackWaitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How a stream is kept. */
export interface StreamSpec {
  readonly name: string;
  readonly subjects: readonly SubjectFilter[];
  /** Age after which messages go, milliseconds; 0 keeps them for ever. */
  readonly maxAgeMs: number;
  /** Size limit in bytes; -1 for none. At the limit new messages are refused (`bus.full`), never old ones evicted. */
  readonly maxBytes: number;
  /** Most messages kept per subject; 0 for no limit. The oldest of the subject gives way. */
  readonly maxPerSubject: number;
  /** How long message ids are remembered, milliseconds. */
  readonly dedupWindowMs: number;
  readonly retention?: 'limits' | 'work_queue' | undefined;
  /**
   * Written by programs of others, one message at a time: no unit of several messages can be opened on it, so that nobody can use up
   * what the server allows of them.
   */
  readonly isForeign?: boolean | undefined;
  /** Takes plans. Brokers take them only where nothing is refused for want of room: it has no `maxBytes`, and whoever writes it minds how much. */
  readonly hasPlans?: boolean | undefined;
}

/** The streams and state buckets an installation needs. Declarative: applying it twice changes nothing. */
export interface Topology {
  readonly streams: readonly StreamSpec[];
  readonly buckets: readonly BucketSpec[];
  /** Servers that keep each stream and bucket, where the bus is a cluster; 1 where absent. */
  readonly replicas?: number | undefined;
}

/** A difference between what is declared and what is there. */
export interface Drift {
  readonly kind: 'created' | 'updated' | 'refused';
  /** Stream or bucket name. */
  readonly name: string;
  readonly field: string;
  readonly declared: string;
  readonly found: string;
}

/** Publish, subscribe and topology. */
export interface EventBus extends AsyncDisposable {
  readonly guarantees: Guarantees;
  /**
   * Stores messages of one stream as one durable unit and resolves when they are on disk, in the order given. Aborting
   * rejects with the signal's reason and stops the wait, not the write. What is stored already is answered with
   * `duplicate: true` and its first position; the rest is stored as one unit. Once resolved, each message is stored exactly once.
   * @throws bus.full, bus.unavailable, bus.unknown (resend the same ids), bus.fenced, bus.too_large, bus.bad_commit,
   *   bus.bad_position (an expectation of another life of the stream), bus.no_stream, bus.closed
   */
  commit(messages: readonly Outgoing[], options?: CommitOptions): Promise<Published[]>;
  /**
   * Resolves when the consumer is registered: nothing stored afterwards is missed. The filter belongs to one stream and is
   * the group's for ever. Disposing the subscription ends its loop; an abort rejects with the signal's reason, closing the bus
   * with `bus.closed`. What was delivered by then can be settled until the bus is closed; afterwards settling returns false.
   * @throws bus.unavailable, bus.closed, bus.no_stream, bus.bad_position, bus.bad_request
   */
  subscribe(filter: SubjectFilter, options: SubscribeOptions): Promise<Subscription>;
  /** Creates what is missing, updates what may be updated, and reports every difference found. Never hides or deletes. */
  ensure(topology: Topology): Promise<Drift[]>;
}

/** Reading the log itself: in order, without acknowledgements. */
export interface ReplayLog {
  /**
   * Messages in stored order. `follow` keeps waiting for new ones; otherwise it ends at what was last when it began.
   * Survives reconnects without gaps or repeats. A position of another life of the stream, or beyond its end, is refused; so is
   * going on when the stream is removed under the reader. @throws bus.bad_position, bus.no_stream, bus.unavailable, bus.closed
   */
  read(filter: SubjectFilter, from: Start, options?: ReadOptions): AsyncIterable<Stored>;
  /** The messages at these positions, in this order; those no longer kept are left out. @throws bus.bad_position */
  get(positions: readonly Position[]): Promise<Stored[]>;
  /** The newest message of a subject; undefined where there is none. */
  last(subject: Subject): Promise<Stored | undefined>;
  /** The state of the whole stream that a filter belongs to. @throws bus.no_stream */
  info(filter: SubjectFilter): Promise<StreamInfo>;
  /** Removes messages of a filter up to and including a position; resolves with how many went. */
  purge(filter: SubjectFilter, upTo: Position): Promise<number>;
}

/** Bounds of a read. */
export interface ReadOptions {
  /** Last position wanted. */
  readonly until?: Position | undefined;
  /** Most messages. */
  readonly limit?: number | undefined;
  readonly follow?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a stream holds. */
export interface StreamInfo {
  readonly stream: string;
  readonly messages: number;
  readonly bytes: number;
  readonly first: Position | undefined;
  readonly last: Position | undefined;
  readonly consumers: readonly ConsumerInfo[];
}

/** How far a group has come. */
export interface ConsumerInfo {
  readonly group: string;
  /** Messages not yet delivered, and delivered but not yet acknowledged. */
  readonly pending: number;
  readonly unacknowledged: number;
  /** Everything up to here is settled; undefined before the first. */
  readonly acknowledged?: Position | undefined;
}

/** A bucket of small values, compare-and-set only. */
export interface BucketSpec {
  readonly name: string;
  /** Life of a value after its last put, milliseconds; 0 for ever. */
  readonly ttlMs: number;
}

/** Shared state: leases, manifests, rule sets. */
export interface StateStore {
  bucket(name: string): StateBucket;
}

/** What the product's own buses provide: all four interfaces. */
export type CompleteBus = EventBus & ReplayLog & StateStore & RequestReply;

/** One value and its revision. */
export interface StateEntry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly revision: number;
}

/** Keys are subject tokens or several joined by dots; values at most 512 KiB. */
export interface StateBucket {
  get(key: string): Promise<StateEntry | undefined>;
  /** Writes if the key's revision is still `expected` (0: the key is absent). Resolves with the new revision. @throws bus.fenced, bus.too_large */
  put(key: string, value: Uint8Array, expected: number): Promise<number>;
  delete(key: string, expected: number): Promise<void>;
  /** Present keys in ascending order. */
  keys(): Promise<string[]>;
  /**
   * First the present values, then every change; a key deleted or ended by its life has an empty value and `deleted`. A watcher
   * who lags may be given only the newest change of a key. An abort rejects with the signal's reason.
   */
  watch(options?: { signal?: AbortSignal }): AsyncIterable<StateEntry & { readonly deleted: boolean }>;
}
