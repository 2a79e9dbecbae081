/**
 * The producers, in the driver process: per source one post in flight, events in order with the producer's own ids, posted again when unsure.
 * Keeps the sets attempted and acked, and ack latencies from the moment an event was due (open loop) or posted (closed loop).
 */
import type { ChildProcess } from 'node:child_process';
import type { SpikeEvent } from './frame.ts';
import type { FromWriter, ToWriter } from './writer.ts';

/** How load is made. */
export type Load = {
  readonly sources: number;
  readonly tenants: number;
  /** Offered events per second over all sources; undefined = closed loop. */
  readonly rate?: number;
  /** Stops a source after this many events. */
  readonly perSource?: readonly number[];
  readonly seed: number;
  /** From how many frames a cycle goes as one batch; default 2. */
  readonly batchFrom?: number;
};

/** Running producers. */
export interface Producers {
  readonly attempted: Set<string>;
  readonly acked: Set<string>;
  readonly latenciesMs: number[];
  readonly refusals: string[];
  /** Sends through this writer from now on; what was in flight is posted again. */
  attach(writer: ChildProcess): void;
  /** No new events; resolves when all that were attempted are acked. */
  finish(): Promise<void>;
  /** Resolves once every source reached its `perSource` count and all is acked. */
  done(): Promise<void>;
  /** Events made per source. */
  counts(): number[];
}

type Source = {
  readonly tenant: string;
  readonly name: string;
  readonly limit: number;
  made: number;
  startAt: number;
  inFlight: Post | undefined;
};
type Post = { readonly number: number; readonly events: readonly SpikeEvent[]; readonly dueAt: readonly number[]; readonly source: Source };

const maxPostEvents = 500;

/** Key of an event in the sets. */
export function eventKey(event: SpikeEvent): string {
  return `${event.tenant}/${event.source}/${event.id}`;
}

/** Creates the producers; they begin at the first attach. */
export function createProducers(load: Load): Producers {
  const attempted = new Set<string>();
  const acked = new Set<string>();
  const latenciesMs: number[] = [];
  const refusals: string[] = [];
  const posts = new Map<number, Post>();
  const sources = makeSources(load);
  const everyMs = load.rate === undefined ? 0 : (1000 * load.sources) / load.rate;
  let writer: ChildProcess | undefined;
  let counter = 0;
  let isStopping = false;
  let onQuiet: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;

  function pump(source: Source): void {
    if (source.inFlight !== undefined || writer === undefined) return;
    const due = isStopping ? 0 : dueCount(source);
    if (due === 0) return checkQuiet();
    const now = performance.now();
    const first = source.made;
    source.made += due;
    const events = Array.from({ length: due }, (_, i) => makeEvent(source, first + i));
    const dueAt = events.map((_, i) => (everyMs === 0 ? now : source.startAt + (first + i) * everyMs));
    for (const event of events) attempted.add(eventKey(event));
    source.inFlight = { number: ++counter, events, dueAt, source };
    posts.set(counter, source.inFlight);
    send(source.inFlight);
  }

  function dueCount(source: Source): number {
    const left = Math.min(maxPostEvents, source.limit - source.made);
    if (everyMs === 0) return Math.min(left, load.sources === 1 ? maxPostEvents : 50);
    return Math.max(0, Math.min(left, Math.floor((performance.now() - source.startAt) / everyMs) + 1 - source.made));
  }

  function send(post: Post): void {
    const message: ToWriter = { post: post.number, events: post.events };
    writer?.send(message, () => undefined); // a failed send means the writer died: attach() posts again
  }

  function onMessage(message: FromWriter): void {
    if ('refused' in message) refusals.push(message.reason);
    if (!('acked' in message)) return;
    const post = posts.get(message.acked);
    if (post === undefined) return;
    const now = performance.now();
    posts.delete(post.number);
    post.source.inFlight = undefined;
    post.events.forEach((event, i) => {
      acked.add(eventKey(event));
      latenciesMs.push(now - (post.dueAt[i] ?? now));
    });
    pump(post.source);
  }

  function checkQuiet(): void {
    const isDone = isStopping || sources.every((source) => source.made >= source.limit);
    if (isDone && posts.size === 0) onQuiet?.();
  }

  function quiet(): Promise<void> {
    return new Promise((resolve) => {
      onQuiet = () => {
        clearInterval(timer);
        resolve();
      };
      checkQuiet();
    });
  }

  return {
    attempted,
    acked,
    latenciesMs,
    refusals,
    attach(next) {
      const isFirst = writer === undefined;
      writer = next;
      next.on('message', onMessage);
      for (const post of posts.values()) send(post);
      if (isFirst)
        sources.forEach((source, i) => {
          source.startAt = performance.now() + (everyMs * i) / load.sources;
        });
      if (isFirst && everyMs > 0) timer = setInterval(() => sources.forEach(pump), 1);
      if (isFirst) sources.forEach(pump);
    },
    finish() {
      isStopping = true;
      return quiet();
    },
    done: quiet,
    counts: () => sources.map((source) => source.made),
  };
}

function makeSources(load: Load): Source[] {
  return Array.from({ length: load.sources }, (_, i) => ({
    tenant: `t${i % load.tenants}`,
    name: `s${i}`,
    limit: load.perSource?.[i] ?? Number.POSITIVE_INFINITY,
    made: 0,
    startAt: 0,
    inFlight: undefined,
  }));
}

function makeEvent(source: Source, ordinal: number): SpikeEvent {
  const text = `<86>1 2026-11-21T10:00:${ordinal % 60}Z host-${source.name} sshd ${ordinal} - Failed password for invalid user u${(ordinal * 7919) % 997} from 10.0.${ordinal % 251}.${ordinal % 241} port ${1024 + (ordinal % 50_000)} ssh2`;
  return { id: `${source.name}-${ordinal}`, tenant: source.tenant, source: source.name, text };
}
