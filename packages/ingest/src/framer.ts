/**
 * The framer: gathers records per (tenant, lane, partition) and commits everything waiting of a lane as one cycle, which is one
 * fsync. While a cycle is in flight the next one fills. What waits is bounded in bytes; an answer means fsynced. Which frames a
 * cycle holds is decided in `framer-queue.ts`, ordinals in `frame-ordinals.ts`.
 */
import {
  type Clock,
  type EventPosition,
  type FrameHeader,
  type FrameRecord,
  isTocsinError,
  type Lane,
  type Position,
  partitionOf,
  TocsinError,
} from '@tocsin/core';
import { createFrameOrdinals, type OrdinalLease } from './frame-ordinals.ts';
import { createFramerQueue, type FramePlan, type FramerQueue, type Waiter } from './framer-queue.ts';
import { createLaneGate, type LaneGate } from './lane-gate.ts';

/** A frame ready for the bus. */
export interface OutgoingFrame {
  readonly tenant: string;
  readonly lane: Lane;
  readonly partition: number;
  /** `<epoch>.<partition>.<lane>.<n>`: never given to another frame. */
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** Whose records they are. Tenant, source and shard choose the partition. */
export interface FramerKey {
  readonly tenant: string;
  readonly lane: Lane;
  readonly source: string;
  readonly shard: string;
}

/** What a framer is made of. */
export interface FramerOptions {
  /** Partitions of the installation: fixed when it is created. */
  readonly partitions: number;
  readonly site: string;
  readonly clock: Clock;
  /** Makes the identity of this run of the framer. */
  readonly nextId: () => string;
  /** Frame codec. @throws bus.too_large */
  readonly encode: (fields: Omit<FrameHeader, 'count' | 'minTimeMs' | 'maxTimeMs'>, records: readonly FrameRecord[]) => Uint8Array;
  /** Stores frames of one lane as one durable unit, in this order; one position per frame. Rejects with a bus error. */
  readonly commit: (frames: readonly OutgoingFrame[]) => Promise<readonly Position[]>;
  /** Most bytes waiting or in flight, estimated columns included. Default 128 MiB. */
  readonly maxQueuedBytes?: number | undefined;
}

/** Takes records and answers with where they are stored. Disposing drains. */
export interface Framer extends AsyncDisposable {
  /** Identity of this run. */
  readonly epoch: string;
  /** Bytes waiting or in flight. */
  readonly queuedBytes: number;
  /**
   * Resolves when every record is fsynced, with one position per record in order. Order is kept per (tenant, source, shard).
   * On a rejection some may be stored: send again with the same ids. @throws ingest.overloaded, ingest.closing, and what `commit` throws
   */
  add(key: FramerKey, records: readonly FrameRecord[]): Promise<EventPosition[]>;
  /** Takes no more, sends what waits, resolves when the last cycle has settled. */
  drain(): Promise<void>;
}

const DEFAULT_MAX_QUEUED_BYTES = 128 * 1024 * 1024;
/** Errors that say that nothing was stored. */
const NOTHING_STORED = ['bus.full', 'bus.unavailable', 'bus.fenced', 'bus.too_large', 'bus.closed'] as const;

/** A framer of both lanes; starts nothing until something is added. */
export function createFramer(options: FramerOptions): Framer {
  const epoch = options.nextId();
  const budget = createBudget(options.maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES);
  const gate = createLaneGate(options.clock, () => lanes.bulk.wake());
  const lane = (name: Lane): LaneFramer => createLaneFramer(name, { ...options, epoch, budget, gate });
  const lanes: Record<Lane, LaneFramer> = { live: lane('live'), bulk: lane('bulk') };
  let draining: Promise<void> | undefined;

  const framer: Framer = {
    epoch,
    get queuedBytes() {
      return budget.used;
    },
    async add(key, records) {
      if (draining !== undefined) throw new TocsinError('ingest.closing', { what: 'The framer' });
      if (records.length === 0) return [];
      return await lanes[key.lane].add(key, records);
    },
    drain() {
      draining ??= Promise.all([lanes.live.drain(), lanes.bulk.drain()]).then(() => undefined);
      return draining;
    },
    [Symbol.asyncDispose]: () => framer.drain(),
  };
  return framer;
}

interface Budget {
  readonly used: number;
  readonly maxBytes: number;
  take(lane: Lane, bytes: number): boolean;
  give(lane: Lane, bytes: number): void;
}

/** Bulk gets half at most: live finds room whatever bulk does. */
function createBudget(maxBytes: number): Budget {
  const used: Record<Lane, number> = { live: 0, bulk: 0 };
  return {
    maxBytes,
    get used() {
      return used.live + used.bulk;
    },
    take(lane, bytes) {
      const isTooMuchBulk = lane === 'bulk' && used.bulk > 0 && used.bulk + bytes > maxBytes / 2;
      if (isTooMuchBulk || used.live + used.bulk + bytes > maxBytes) return false;
      used[lane] += bytes;
      return true;
    },
    give(lane, bytes) {
      used[lane] -= bytes;
    },
  };
}

interface LaneFramer {
  add(key: FramerKey, records: readonly FrameRecord[]): Promise<EventPosition[]>;
  /** It may commit again. */
  wake(): void;
  drain(): Promise<void>;
}

interface LaneOptions extends FramerOptions {
  readonly epoch: string;
  readonly budget: Budget;
  readonly gate: LaneGate;
}

function createLaneFramer(lane: Lane, options: LaneOptions): LaneFramer {
  const queue = createFramerQueue();
  const ordinals = createFrameOrdinals();
  const mayBegin = (): boolean => options.gate.mayBegin(lane);
  const pump = createPump(queue, { mayBegin, send: () => sendCycle(queue, { lane, ordinals, options }) });

  return {
    add(key, records) {
      const partition = partitionOf(key.tenant, key.source, key.shard, options.partitions);
      return new Promise<EventPosition[]>((resolve, reject) => {
        const waiter: Waiter = {
          positions: Array.from({ length: records.length }),
          missing: records.length,
          failed: false,
          resolve,
          reject,
        };
        const weights = queue.weigh(records);
        if (!options.budget.take(lane, weights.total)) {
          reject(new TocsinError('ingest.overloaded', { waitingBytes: options.budget.used, maxBytes: options.budget.maxBytes }));
          return;
        }
        queue.push({ tenant: key.tenant, partition }, { records, weights, waiter });
        pump.wake();
      });
    },
    wake: () => pump.wake(),
    drain: () => pump.drain(),
  };
}

interface Pump {
  /** Something was added. */
  wake(): void;
  drain(): Promise<void>;
}

/**
 * Decides when a cycle starts: at the end of this turn of the event loop when none is in flight, else when the one in flight
 * ends. Never two at once: the later one, smaller and so stored faster, could overtake the earlier within a partition.
 */
function createPump(queue: FramerQueue, { mayBegin, send }: { mayBegin: () => boolean; send: () => Promise<void> }): Pump {
  let isBusy = false;
  let scheduled = false;
  let drained: (() => void) | undefined;

  const pump = (): void => {
    if (isBusy) return;
    if (queue.isEmpty) {
      drained?.();
      return;
    }
    // Woken again as soon as it may.
    if (!mayBegin()) return;
    isBusy = true;
    // `send` settles the waiters and never rejects.
    void send().then(() => {
      isBusy = false;
      pump();
    });
  };

  return {
    wake() {
      if (scheduled) return;
      scheduled = true;
      // At the end of the turn, so that everything that arrives in it shares the commit.
      setImmediate(() => {
        scheduled = false;
        pump();
      });
    },
    drain() {
      return new Promise((resolve) => {
        drained = resolve;
        pump();
      });
    },
  };
}

interface CycleContext {
  readonly lane: Lane;
  readonly ordinals: ReturnType<typeof createFrameOrdinals>;
  readonly options: LaneOptions;
}

interface SentFrame {
  readonly plan: FramePlan;
  readonly lease: OrdinalLease;
  readonly frame: OutgoingFrame;
}

/** Encodes and commits one cycle and settles its waiters. Never rejects. */
async function sendCycle(queue: FramerQueue, context: CycleContext): Promise<void> {
  const { lane, options } = context;
  const plans = queue.takeCycle(options.gate.begin(lane));
  const sent: SentFrame[] = [];
  for (const plan of plans.filter((one) => one.records.length > 0)) {
    const lease = context.ordinals.take(plan.partition, plan.records.length);
    // A bulk cycle is encoded frame by frame: what arrives meanwhile must not wait for all of them.
    if (lane === 'bulk' && sent.length > 0) await nextTurn();
    try {
      sent.push({ plan, lease, frame: encodePlan(plan, lease, context) });
    } catch (error) {
      lease.release();
      settleFailure([plan], error);
    }
  }
  try {
    if (sent.length > 0) settleSuccess(sent, await context.options.commit(sent.map((one) => one.frame)));
  } catch (error) {
    if (NOTHING_STORED.some((code) => isTocsinError(error, code))) for (const one of sent.reverse()) one.lease.release();
    settleFailure(
      sent.map((one) => one.plan),
      error,
    );
  } finally {
    options.gate.end(lane);
    for (const plan of plans) options.budget.give(lane, plan.weight);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function encodePlan(plan: FramePlan, lease: OrdinalLease, { lane, options }: CycleContext): OutgoingFrame {
  const { tenant, partition } = plan;
  const id = `${options.epoch}.${partition}.${lane}.${lease.frame}`;
  const bytes = options.encode(
    { id, tenant, lane, partition, epoch: options.epoch, ordinal: lease.ordinal, site: options.site },
    plan.records,
  );
  return { tenant, lane, partition, id, bytes };
}

function settleSuccess(sent: readonly SentFrame[], positions: readonly Position[]): void {
  sent.forEach(({ plan }, i) => {
    const position = positions[i];
    if (position === undefined)
      throw new TocsinError('ingest.internal', { what: 'A commit that answered for fewer frames than it was given' });
    let index = 0;
    for (const { waiter, from, count } of plan.segments) {
      for (let k = 0; k < count; k++) waiter.positions[from + k] = { position, index: index++ };
      waiter.missing -= count;
      if (waiter.missing === 0 && !waiter.failed) waiter.resolve(waiter.positions);
    }
  });
}

function settleFailure(plans: readonly FramePlan[], error: unknown): void {
  for (const plan of plans) {
    for (const { waiter } of plan.segments) {
      waiter.failed = true;
      waiter.reject(error);
    }
  }
}
