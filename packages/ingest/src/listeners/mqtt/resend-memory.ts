/**
 * Which event a message became, so that one sent again (DUP) becomes no second: the packet identifier of the device, and a digest of
 * topic and content. Ids are never made from content: a device that says the same twice means it twice.
 */
import { hash } from 'node:crypto';

/** Messages remembered, all devices together. */
const MAX_ENTRIES = 200_000;

interface Remembered {
  readonly digest: string;
  readonly id: string;
}

/** A message as it is recognised. */
export interface SentMessage {
  /** Device and client identifier. */
  readonly client: string;
  readonly packetId: number;
  readonly isResend: boolean;
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** Remembers the latest messages of all devices; outlives connections and sessions. */
export class ResendMemory {
  readonly #entries = new Map<string, Remembered>();
  readonly #nextId: () => string;

  constructor(nextId: () => string) {
    this.#nextId = nextId;
  }

  /** Id of the event that a message is: that of the first sending where it is a resend and known, else a new one. */
  idOf(message: SentMessage): string {
    const key = keyOf(message);
    const digest = digestOf(message);
    const known = this.#entries.get(key);
    if (message.isResend && known?.digest === digest) return known.id;
    const id = this.#nextId();
    this.#entries.delete(key);
    this.#entries.set(key, { digest, id });
    const [oldest] = this.#entries.size > MAX_ENTRIES ? this.#entries.keys() : [];
    if (oldest !== undefined) this.#entries.delete(oldest);
    return id;
  }
}

function keyOf({ client, packetId }: SentMessage): string {
  return `${packetId} ${client}`;
}

function digestOf({ topic, payload }: SentMessage): string {
  return `${topic.length}:${topic}${hash('sha1', payload, 'base64')}`;
}
