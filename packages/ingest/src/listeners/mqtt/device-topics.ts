/** The topics of one source: its retained messages and which of its sessions hear what is published. Nothing of another source gets here. */
import type { DownlinkShare } from './downlink-budget.ts';
import type { DownlinkMessage, MqttSession, Subscription } from './mqtt-session.ts';
import { fitsFilter } from './topic-filter.ts';

/** Where the retained messages of one source are kept besides. */
export interface RetainedStore {
  putRetained(message: DownlinkMessage): void;
  endRetained(topic: string): void;
}

/** Topics of one source. */
export class DeviceTopics {
  readonly #budget: DownlinkShare;
  readonly #maxRetained: number;
  readonly #store: RetainedStore | undefined;
  readonly #sessions = new Set<MqttSession>();
  readonly #retained = new Map<string, DownlinkMessage>();

  constructor(budget: DownlinkShare, maxRetained: number, store?: RetainedStore) {
    this.#budget = budget;
    this.#store = store;
    this.#maxRetained = maxRetained;
  }

  /** Whether nobody needs it any more. */
  get isEmpty(): boolean {
    return this.#sessions.size === 0 && this.#retained.size === 0;
  }

  /** Whether anybody would hear, or a message would be kept. */
  isHeard(isRetained: boolean): boolean {
    return isRetained || this.#sessions.size > 0;
  }

  /** Delivers a message and keeps it where it is retained; an empty one clears what is kept. The payload is the caller's no more. */
  publish(message: DownlinkMessage, nowMs: number): void {
    if (message.isRetained) this.#retain(message);
    for (const session of this.#sessions) session.offer(message, nowMs);
  }

  /** Subscribes a session, anew where it has. Answers the retained messages that fit. */
  subscribe(session: MqttSession, subscription: Subscription, nowMs: number): DownlinkMessage[] {
    session.subscribe(subscription);
    this.#sessions.add(session);
    for (const message of this.#retained.values()) if (message.expiresMs !== undefined && message.expiresMs <= nowMs) this.#forget(message);
    return [...this.#retained.values()].filter(({ topic }) => fitsFilter(subscription.filter, topic));
  }

  /** A session has no subscription of the filter any more; false where it had none. */
  unsubscribe(session: MqttSession, filter: string): boolean {
    const had = session.unsubscribe(filter);
    if (session.subscriptions.size === 0) this.#sessions.delete(session);
    return had;
  }

  /** Takes up a session, or a retained message, that was kept. */
  restore(kept: MqttSession | DownlinkMessage): void {
    if ('subscriptions' in kept) {
      if (kept.subscriptions.size > 0) this.#sessions.add(kept);
    } else if (this.#retained.size < this.#maxRetained && this.#budget.take(kept)) this.#retained.set(kept.topic, kept);
    else {
      this.#budget.countDropped();
      this.#store?.endRetained(kept.topic);
    }
  }

  /** A session has ended. */
  remove(session: MqttSession): void {
    this.#sessions.delete(session);
  }

  #retain(message: DownlinkMessage): void {
    const known = this.#retained.get(message.topic);
    if (known !== undefined) this.#forget(known);
    if (message.payload.length === 0) return;
    if (this.#retained.size < this.#maxRetained && this.#budget.take(message)) {
      this.#retained.set(message.topic, message);
      this.#store?.putRetained(message);
    } else this.#budget.countDropped();
  }

  #forget(message: DownlinkMessage): void {
    this.#retained.delete(message.topic);
    this.#budget.give(message);
    this.#store?.endRetained(message.topic);
  }
}
