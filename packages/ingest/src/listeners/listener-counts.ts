/** What a door counts about itself: every record that came in is in exactly one of stored, duplicate, dropped, quarantined, rejected or refused. */

/** Records of one source that were taken in, lie on this machine's disk and cannot be stored at present. */
export interface HeldRecords {
  /** `tenant/source`. */
  readonly source: string;
  readonly records: number;
  /** Error code of what keeps them from being stored, and its text. */
  readonly code: string;
  readonly reason: string;
}

/** Counters of one listener; plain numbers that only grow. Read by the status of the installation. */
export class ListenerCounts {
  /** Bytes taken off the wire. */
  bytes = 0;
  /** Records cut from them. */
  records = 0;
  stored = 0;
  duplicate = 0;
  /** Left out by a rule of their source. */
  dropped = 0;
  /** Kept aside because they do not fit the schema of their type. */
  quarantined = 0;
  /** Connections open now; 0 where the transport has none. */
  connections = 0;
  /** Records that wait where it reads and have not been read, as told last; undefined where nobody can tell. */
  waiting: number | undefined;
  /** Sources whose records wait here for a reason that is known; told by the spool. */
  held: readonly HeldRecords[] = [];
  readonly #rejected = new Map<string, number>();
  readonly #refused = new Map<string, number>();

  /** Records that were read and not taken, by error code: sending them again does not help. */
  get rejected(): ReadonlyMap<string, number> {
    return this.#rejected;
  }

  /** Records, connections or datagrams that were turned away before they were read, by error code: quota, credential, overload. */
  get refused(): ReadonlyMap<string, number> {
    return this.#refused;
  }

  /** Counts `count` rejected records. `code` is a row of the error table, so the map stays small. */
  reject(code: string, count = 1): void {
    this.#rejected.set(code, (this.#rejected.get(code) ?? 0) + count);
  }

  /** Counts `count` things turned away. */
  refuse(code: string, count = 1): void {
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + count);
  }
}
