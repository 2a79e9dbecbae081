/**
 * Which event a message became, so that one sent again (DUP) becomes no second: the packet identifier of the device, its topic, and a
 * checksum of its content. Ids are never made from content: a device that says the same twice means it twice.
 */
import { crc32 } from 'node:zlib';

/** Messages remembered of one client: far more than may be unanswered. */
const MAX_PER_CLIENT = 1024;
/** Messages remembered, all clients together. */
const MAX_ENTRIES = 500_000;

interface Remembered {
  readonly topic: string;
  readonly length: number;
  readonly checksum: number;
  readonly id: string;
}

/** A message as it is recognised. */
export interface SentMessage {
  readonly packetId: number;
  readonly isResend: boolean;
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** Remembers the latest messages of all clients; outlives connections and sessions. Clients that connected longest ago are forgotten first. */
export class ResendMemory {
  readonly #clients = new Map<string, ClientResends>();
  readonly #nextId: () => string;
  #entries = 0;

  constructor(nextId: () => string) {
    this.#nextId = nextId;
  }

  /** Clients of whose messages any are remembered. */
  get size(): number {
    return this.#clients.size;
  }

  /** What is remembered of a client that connects, by device and client identifier. Nothing is held of one that sends nothing to remember. */
  of(client: string): ClientResends {
    const known = this.#clients.get(client);
    if (known === undefined) {
      const made: ClientResends = new ClientResends(this.#nextId, () => this.#count(client, made));
      return made;
    }
    this.#clients.delete(client);
    this.#clients.set(client, known);
    return known;
  }

  #count(client: string, resends: ClientResends): void {
    const held = this.#clients.get(client);
    if (held === undefined) this.#clients.set(client, resends);
    else if (held !== resends) {
      // Another connection has the client since.
      resends.forget();
      return;
    }
    this.#entries += 1;
    for (const [client, resends] of this.#clients) {
      if (this.#entries <= MAX_ENTRIES) return;
      this.#clients.delete(client);
      this.#entries -= resends.forget();
    }
  }
}

/** What is remembered of one client. */
export class ClientResends {
  readonly #nextId: () => string;
  readonly #onAdded: () => void;
  /** Set where nobody counts it any more: it serves its connection to the end. */
  #isForgotten = false;
  readonly #entries = new Map<number, Remembered>();

  constructor(nextId: () => string, onAdded: () => void) {
    this.#nextId = nextId;
    this.#onAdded = onAdded;
  }

  /** Id of the event that a message is: that of the first sending where it is a resend and known, else a new one. */
  idOf({ packetId, isResend, topic, payload }: SentMessage): string {
    const known = this.#entries.get(packetId);
    const { length } = payload;
    const checksum = crc32(payload);
    if (isResend && known?.checksum === checksum && known.length === length && known.topic === topic) return known.id;
    const id = this.#nextId();
    if (known !== undefined) this.#entries.delete(packetId);
    this.#entries.set(packetId, { topic, length, checksum, id });
    if (known === undefined) this.#makeRoom();
    return id;
  }

  /** Forgets all; answers how many messages that were. */
  forget(): number {
    const { size } = this.#entries;
    this.#isForgotten = true;
    this.#entries.clear();
    return size;
  }

  #makeRoom(): void {
    const [oldest] = this.#entries.size > MAX_PER_CLIENT ? this.#entries.keys() : [];
    if (oldest !== undefined) this.#entries.delete(oldest);
    else if (!this.#isForgotten) this.#onAdded();
  }
}
