/** Packet identifiers of a session's messages at QoS 2 that are stored and not released: in memory, and in the store where the session is kept. */

/** Where they are kept besides. */
export interface PacketIdStore {
  addReceived(session: string, packetId: number): void;
  endReceived(session: string, packetId: number): void;
}

/** The identifiers of one session. */
export class KeptPacketIds {
  readonly #session: string;
  readonly #ids: Set<number>;
  store: PacketIdStore | undefined;

  constructor(session: string, ids: readonly number[] = []) {
    this.#session = session;
    this.#ids = new Set(ids);
  }

  get size(): number {
    return this.#ids.size;
  }

  has(packetId: number): boolean {
    return this.#ids.has(packetId);
  }

  add(packetId: number): void {
    this.#ids.add(packetId);
    this.store?.addReceived(this.#session, packetId);
  }

  /** False where it was not there. */
  delete(packetId: number): boolean {
    const had = this.#ids.delete(packetId);
    if (had) this.store?.endReceived(this.#session, packetId);
    return had;
  }
}
