/**
 * What cases are written with: streams and messages of their own, waits with deadlines, and a record of what was seen.
 * Cases are in `cases/`; how they are run is in `run-contract.ts`.
 */
import { strict as assert } from 'node:assert';
import { type ErrorCode, fnv1a, isTocsinError, type Position } from '@tocsin/core';
import type {
  BucketSpec,
  CompleteBus,
  Delivery,
  Guarantees,
  Outgoing,
  ReadOptions,
  Start,
  Stored,
  StreamSpec,
  SubscribeOptions,
  Subscription,
} from '../event-bus.ts';
import type { ContractHarness } from './contract-harness.ts';

/** One thing that every adapter must do. */
export interface ContractCase {
  /** Unique; what waivers name. */
  readonly name: string;
  run(kit: ContractKit): Promise<void>;
}

/** A stream of the case's own, with the bus that declared it. */
export interface Ground {
  readonly bus: CompleteBus;
  readonly spec: StreamSpec;
  /** Filter that takes all of its subjects. */
  readonly all: string;
  /** A subject of it. */
  readonly subject: (tail: string) => string;
}

/** Ack wait that cases use where it matters, milliseconds: short, since real servers really wait. */
export const ACK_WAIT_MS = 500;

const MAX_RECORDED = 300;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The tools of one run of one case. */
export class ContractKit {
  readonly harness: ContractHarness;
  readonly guarantees: Guarantees;
  readonly seed: number;
  /** What happened, in order; printed when the case fails. */
  readonly record: string[] = [];
  readonly #buses: CompleteBus[] = [];
  #state: number;
  #count = 0;

  constructor(harness: ContractHarness, guarantees: Guarantees, seed: number) {
    this.harness = harness;
    this.guarantees = guarantees;
    this.seed = seed;
    this.#state = fnv1a(`contract ${seed}`);
  }

  /** Whether ids of stored messages are remembered; where they are not, what is sent again is stored again. */
  get remembersIds(): boolean {
    return this.guarantees.dedupWindowMs > 0;
  }

  /** What messages sent one or more times must leave: each text once where ids are remembered, else at least once. */
  atLeastOnce(texts: readonly string[]): readonly string[] {
    return this.remembersIds ? texts : [...new Set(texts)];
  }

  /** 0 ≤ x < 1, the same series for the same seed (mulberry32). */
  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** 0 … below-1. */
  draw(below: number): number {
    return Math.floor(this.random() * below);
  }

  note(line: string): void {
    this.record.push(line);
    if (this.record.length > MAX_RECORDED) this.record.shift();
  }

  /** One more connection, closed after the case. */
  async open(): Promise<CompleteBus> {
    const bus = await this.harness.openBus();
    this.#buses.push(bus);
    return bus;
  }

  async closeAll(): Promise<void> {
    for (const bus of this.#buses.splice(0)) await this.settled(bus[Symbol.asyncDispose](), 'a bus to close');
  }

  /** A stream of the case's own and a bus. */
  async ground(overrides: Partial<StreamSpec> = {}, bus?: CompleteBus): Promise<Ground> {
    this.#count += 1;
    const root = `contract${this.#count}`;
    const all = `${root}.>`;
    const spec: StreamSpec = {
      name: `CONTRACT_${this.#count}`,
      subjects: [all],
      maxAgeMs: 0,
      maxBytes: -1,
      maxPerSubject: 0,
      dedupWindowMs: 120_000,
      ...overrides,
    };
    const used = bus ?? (await this.open());
    await used.ensure({ streams: [spec], buckets: [] });
    return { bus: used, spec, all, subject: (tail) => `${root}.${tail}` };
  }

  /** A subject that no stream takes, for questions. */
  askSubject(tail: string): string {
    return `asked.${this.seed}.${tail}`;
  }

  /** A bucket of the case's own. */
  async bucketSpec(bus: CompleteBus, ttlMs: number): Promise<BucketSpec> {
    this.#count += 1;
    const spec = { name: `contract_${this.#count}`, ttlMs };
    await bus.ensure({ streams: [], buckets: [spec] });
    return spec;
  }

  /** A message with an id of its own unless one is given. */
  message(subject: string, text: string, extra: Partial<Outgoing> = {}): Outgoing {
    this.#count += 1;
    return { subject, id: `id-${this.seed}-${this.#count}`, body: encoder.encode(text), ...extra };
  }

  /** Messages `prefix0`, `prefix1`, … on one subject. */
  messages(subject: string, count: number, prefix = ''): Outgoing[] {
    return Array.from({ length: count }, (_, i) => this.message(subject, `${prefix}${i}`));
  }

  /** Commits texts to one subject and gives their positions. */
  async write(bus: CompleteBus, subject: string, texts: readonly string[]): Promise<Position[]> {
    const published = await bus.commit(texts.map((text) => this.message(subject, text)));
    return published.map((each) => each.position);
  }

  /** What a promise comes to, letting time pass, within the harness's deadline. */
  async settled<T>(awaited: PromiseLike<T>, what: string): Promise<T> {
    const promise = Promise.resolve(awaited);
    let done = false;
    const mark = (): void => {
      done = true;
    };
    promise.then(mark, mark);
    await this.harness.time.until(() => done, what);
    return promise;
  }

  /** Holds if the promise is refused with one of these codes. */
  async refused(promise: Promise<unknown>, ...codes: ErrorCode[]): Promise<void> {
    const outcome = await this.settled(
      promise.then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      ),
      `a refusal as ${codes.join(' or ')}`,
    );
    assert.ok('error' in outcome, `${codes.join(' or ')} was expected, and it went through`);
    const { error } = outcome;
    assert.ok(isTocsinError(error) && codes.includes(error.code), `${codes.join(' or ')} was expected, and it was ${describe(error)}`);
  }

  /** Holds if the promise is rejected with exactly this reason. */
  async rejectedWith(promise: Promise<unknown>, reason: unknown, what: string): Promise<void> {
    const outcome = await this.settled(
      promise.then(
        () => undefined,
        (error: unknown) => ({ error }),
      ),
      what,
    );
    assert.ok(outcome !== undefined, `${what} went through`);
    assert.equal(outcome.error, reason, `${what} was rejected with ${describe(outcome.error)}`);
  }

  /** Joins a group of the ground's stream. */
  join(
    ground: Ground,
    group: string,
    options: Partial<SubscribeOptions> & { bus?: CompleteBus; filter?: string } = {},
  ): Promise<Subscription> {
    const { bus = ground.bus, filter = ground.all, ...rest } = options;
    return bus.subscribe(filter, { group, start: 'first', ackWaitMs: 30_000, ...rest });
  }

  /** The next `count` deliveries, recorded. */
  async take(subscription: Subscription, count: number, who = 'member'): Promise<Delivery[]> {
    const iterator = subscription[Symbol.asyncIterator]();
    const taken: Delivery[] = [];
    while (taken.length < count) {
      const next = await this.settled(iterator.next(), `delivery ${taken.length + 1} of ${count} to ${who}`);
      assert.ok(!next.done, `the subscription of ${who} ended after ${taken.length} of ${count} deliveries`);
      this.note(`${who}: ${textOf(next.value.message)} attempt ${next.value.attempt} at ${next.value.position}`);
      taken.push(next.value);
    }
    return taken;
  }

  /** All messages of a read that ends. */
  async readAll(bus: CompleteBus, filter: string, options: ReadOptions & { from?: Start } = {}): Promise<Stored[]> {
    const { from = 'first', ...bounds } = options;
    const found: Stored[] = [];
    const collect = async (): Promise<void> => {
      for await (const stored of bus.read(filter, from, bounds)) {
        this.note(`read ${filter}: ${textOf(stored)} at ${stored.position}`);
        found.push(stored);
      }
    };
    await this.settled(collect(), `the end of a read of ${filter}`);
    return found;
  }

  /** The texts of a read that ends. */
  async texts(bus: CompleteBus, filter: string, options: ReadOptions & { from?: Start } = {}): Promise<string[]> {
    return (await this.readAll(bus, filter, options)).map(textOf);
  }
}

/** A message's body as text. */
export function textOf(message: { readonly body: Uint8Array }): string {
  const text = decoder.decode(message.body.subarray(0, 80));
  return message.body.byteLength > 80 ? `${text}… (${message.body.byteLength} bytes)` : text;
}

/** The texts of deliveries, in their order. */
export function textsOf(deliveries: readonly Delivery[]): string[] {
  return deliveries.map((delivery) => textOf(delivery.message));
}

/** Bytes of a text. */
export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The one item of a list that must have it. */
export function at<T>(items: readonly T[], index: number): T {
  const item = items.at(index);
  assert.ok(item !== undefined, `there is no item ${index} among ${items.length}`);
  return item;
}

/** `0` … `count`-1 as texts. */
export function numbers(count: number, prefix = ''): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`);
}

function describe(error: unknown): string {
  return isTocsinError(error) ? `${error.code} (${error.message})` : String(error);
}
