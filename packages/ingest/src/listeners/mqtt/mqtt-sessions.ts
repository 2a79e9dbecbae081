/** All sessions of a listener: by device and client identifier, taken over, kept for a while, and bounded; and the topics of each source. */
import type { Clock } from '@tocsin/core';
import type { ListenerCounts } from '../listener-counts.ts';
import type { Device } from './device-identity.ts';
import { DeviceTopics } from './device-topics.ts';
import { DownlinkBudget } from './downlink-budget.ts';
import { type DownlinkMessage, MqttSession, type SessionLink } from './mqtt-session.ts';
import type { MqttSettings } from './mqtt-settings.ts';
import type { SessionStore } from './session-store.ts';

/** How often sessions are looked at that may have ended. */
const LOOK_EVERY_MS = 1000;

/** A session as a connection got it. */
export interface AttachedSession {
  readonly session: MqttSession;
  /** Whether it was there before. */
  readonly isKnown: boolean;
}

/** What a connection asks of its session. */
export interface SessionTerms {
  readonly clientId: string;
  /** Whether what was kept is to be forgotten. */
  readonly isClean: boolean;
  /** How long it is kept after the connection, milliseconds. */
  readonly expiryMs: number;
}

/** A will that waits for its delay. */
interface WaitingWill {
  readonly dueMs: number;
  readonly store: () => void;
}

/** Sessions. Disposing ends all and stores the wills that wait. */
export class MqttSessions implements Disposable {
  readonly #clock: Clock;
  readonly #settings: MqttSettings;
  readonly #budget: DownlinkBudget;
  readonly #store: SessionStore | undefined;
  /** In the order in which they were last connected or left. */
  readonly #sessions = new Map<string, MqttSession>();
  /** The same, by the key of their source's devices. */
  readonly #bySource = new Map<string, Set<MqttSession>>();
  readonly #topics = new Map<string, DeviceTopics>();
  readonly #wills = new Map<string, WaitingWill>();
  readonly #timer: NodeJS.Timeout;

  constructor(
    settings: MqttSettings,
    { clock, counts, store }: { clock: Clock; counts: ListenerCounts; store?: SessionStore | undefined },
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#settings = settings;
    this.#budget = new DownlinkBudget(settings.maxDownlinkBytes, counts);
    if (store !== undefined) this.#restore(store);
    this.#timer = setInterval(() => this.#endOverdue(), LOOK_EVERY_MS);
  }

  /** The session of a client, taken from whatever connection had it; a new one where it is to start clean, or there is none. */
  attach(device: Device, link: SessionLink, { clientId, isClean, expiryMs }: SessionTerms): AttachedSession {
    const key = `${device.key} ${clientId}`;
    this.#sessions.get(key)?.link?.leave();
    if (isClean) this.#storeWill(key);
    else this.#wills.delete(key);
    const kept = this.#sessions.get(key);
    if (kept !== undefined && isClean) this.#end(kept);
    const session = kept === undefined || isClean ? this.#create(key, device) : kept;
    session.link = link;
    session.expiryMs = expiryMs;
    session.endsMs = undefined;
    this.#keep(session);
    this.#putLast(session);
    this.#makeRoom();
    return { session, isKnown: session === kept };
  }

  /** A connection has left its session. A will is stored at once, or when its delay or the session is over, unless the device comes back. */
  detach(session: MqttSession, link: SessionLink, will?: { readonly delayMs: number; readonly store: () => void }): void {
    const nowMs = this.#clock.monotonicMs();
    const isOwn = session.link === link;
    if (isOwn) {
      session.link = undefined;
      session.endsMs = nowMs + session.expiryMs;
      this.#keep(session);
      this.#putLast(session);
    }
    const delayMs = Math.min(will?.delayMs ?? 0, session.expiryMs);
    if (will !== undefined && isOwn && delayMs > 0) this.#wills.set(session.key, { dueMs: nowMs + delayMs, store: will.store });
    else will?.store();
    if (isOwn && session.expiryMs === 0) this.#end(session);
  }

  /** The topics of a source. */
  topicsOf(device: Pick<Device, 'key'>): DeviceTopics {
    return this.#topicsOf(device.key);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const session of this.#sessions.values()) this.#end(session, { isKept: true });
  }

  #topicsOf(key: string): DeviceTopics {
    const known = this.#topics.get(key);
    if (known !== undefined) return known;
    const store = this.#store;
    const kept = store && {
      putRetained: (message: DownlinkMessage) => store.putRetained(key, message),
      endRetained: (topic: string) => store.endRetained(key, topic),
    };
    const topics = new DeviceTopics(this.#budget.of(key), this.#settings.maxRetainedMessages, kept);
    this.#topics.set(key, topics);
    return topics;
  }

  /** Takes up what was kept; a session that was connected is one that has just been left. */
  #restore(store: SessionStore): void {
    const [nowMs, monotonicMs] = [this.#clock.nowMs(), this.#clock.monotonicMs()];
    for (const kept of store.sessions()) {
      const leftMs = Math.min((kept.endsAtMs ?? nowMs + kept.expiryMs) - nowMs, this.#settings.sessionExpiry);
      if (leftMs <= 0 || this.#sessions.size >= this.#settings.maxSessions) {
        store.endSession(kept.key);
        continue;
      }
      const session = this.#create(kept.key, { key: kept.deviceKey });
      session.keepIn(store);
      session.restore(kept);
      session.expiryMs = kept.expiryMs;
      session.endsMs = monotonicMs + leftMs;
      this.#putLast(session);
      this.#topicsOf(kept.deviceKey).restore(session);
      this.#keep(session);
    }
    for (const { deviceKey, message } of store.retained()) this.#topicsOf(deviceKey).restore(message);
  }

  /** Sessions that end with their connection are nobody's business but its own. */
  #keep(session: MqttSession): void {
    const store = this.#store;
    if (store === undefined) return;
    if (session.expiryMs === 0) {
      store.endSession(session.key);
      session.keepIn(undefined);
      return;
    }
    const endsAtMs = session.endsMs === undefined ? undefined : this.#clock.nowMs() + session.endsMs - this.#clock.monotonicMs();
    session.keepIn(store);
    store.putSession(session.key, session.deviceKey, { expiryMs: session.expiryMs, endsAtMs: endsAtMs && Math.round(endsAtMs) });
  }

  #create(key: string, device: Pick<Device, 'key'>): MqttSession {
    return new MqttSession({
      key,
      deviceKey: device.key,
      budget: this.#budget.of(device.key),
      maxQueued: this.#settings.maxQueuedMessages,
    });
  }

  /** A session was connected or left last. */
  #putLast(session: MqttSession): void {
    const own = this.#bySource.get(session.deviceKey) ?? new Set();
    this.#bySource.set(session.deviceKey, own);
    own.delete(session);
    own.add(session);
    this.#sessions.delete(session.key);
    this.#sessions.set(session.key, session);
  }

  /** Of the source that has most, the one longest gone ends: no source ends those of others. Connected ones are bounded by the door. */
  #makeRoom(): void {
    if (this.#sessions.size <= this.#settings.maxSessions) return;
    for (const own of [...this.#bySource.values()].sort((a, b) => b.size - a.size))
      for (const session of own)
        if (session.link === undefined) {
          this.#end(session);
          return;
        }
  }

  #endOverdue(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const session of this.#sessions.values()) if (session.endsMs !== undefined && session.endsMs <= nowMs) this.#end(session);
    for (const [key, { dueMs }] of this.#wills) if (dueMs <= nowMs) this.#storeWill(key);
    for (const [key, topics] of this.#topics) if (topics.isEmpty) this.#topics.delete(key);
  }

  #end(session: MqttSession, { isKept = false }: { readonly isKept?: boolean } = {}): void {
    session.end({ isKept });
    this.#sessions.delete(session.key);
    const own = this.#bySource.get(session.deviceKey);
    own?.delete(session);
    if (own?.size === 0) this.#bySource.delete(session.deviceKey);
    this.#topics.get(session.deviceKey)?.remove(session);
    this.#storeWill(session.key);
  }

  #storeWill(key: string): void {
    const will = this.#wills.get(key);
    this.#wills.delete(key);
    will?.store();
  }
}
