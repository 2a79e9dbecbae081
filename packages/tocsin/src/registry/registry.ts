/**
 * What is configured at run time: sources, people, credentials and rules, as the newest message of each subject on CHANGES says.
 * A projection in memory: rebuilt at start, then followed. Writing goes through `privileged` in the routes, never here alone.
 */
import { randomUUID } from 'node:crypto';
import { comparePositions, type EventBus, type ReplayLog, type Stored } from '@tocsin/bus';
import { decodeToken, type LogSourceName, type Position } from '@tocsin/core';
import type { FormatName, PrivacyPolicy, SchemaMode } from '@tocsin/ingest';
import type { PersonRole, Role } from '../security/principal.ts';
import { CHANGES_FILTER, type ChangeKind, changeSubject } from '../subjects.ts';

/** A configured producer. */
export interface SourceRecord {
  readonly name: string;
  /** Name of the decoder, `auto` to tell by looks. */
  readonly format: FormatName;
  readonly lane: 'live' | 'bulk';
  /** What its events are, where it says so itself. */
  readonly logSource?: LogSourceName | undefined;
  /** Free words of whoever runs it, such as `site: berlin`. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** After how long a silence alerts are raised, milliseconds; absent: as the settings say. */
  readonly silence?: SourceSilence | undefined;
  /** What is done with records that do not fit the schema of their type; absent: they are not looked at. */
  readonly schemas?: SchemaMode | undefined;
  /** What its records are stripped of before they are stored. */
  readonly privacy?: PrivacyPolicy | undefined;
  readonly createdMs: number;
  readonly revokedMs?: number | undefined;
}

/** When a source's silence is told: never, or after its own times. */
export type SourceSilence = 'off' | { readonly firstMs?: number | undefined; readonly secondMs?: number | undefined };

/** A credential; its id on CHANGES is the SHA-256 of its token. */
export interface CredentialRecord {
  readonly actor: string;
  readonly roles: readonly Role[];
  readonly source?: string | undefined;
  /** Public key of a producer that comes in over the bus; then its id is `nkey-` and the key, which is no token's hash. */
  readonly nkey?: string | undefined;
  /** What people call it: `web01.2` is the second of source `web01`. */
  readonly label?: string | undefined;
  /** Process whose command line it is for, where several share the duties: the operator's only. */
  readonly member?: string | undefined;
  readonly createdMs: number;
  readonly expiresMs?: number | undefined;
  readonly revokedMs?: number | undefined;
}

/** A person who was let in; the id on CHANGES is the name. The credential is a record of its own. */
export interface PersonRecord {
  readonly name: string;
  readonly roles: readonly PersonRole[];
  readonly createdMs: number;
  readonly expiresMs?: number | undefined;
  readonly revokedMs?: number | undefined;
}

/** A rule file added at run time. */
export interface RuleRecord {
  readonly path: string;
  readonly text: string;
  readonly addedMs: number;
  readonly removedMs?: number | undefined;
}

/** A rule that is not judged for a tenant; its id on CHANGES is the rule's. */
export interface QuarantineRecord {
  /** Why, in words for people. */
  readonly reason: string;
  readonly sinceMs: number;
  readonly liftedMs?: number | undefined;
}

/** How much a source or a tenant may send and keep. Undefined: as the settings say; 0: no limit. */
export interface QuotaRecord {
  readonly eventsPerSecond?: number | undefined;
  readonly bytesPerSecond?: number | undefined;
  readonly burstSeconds?: number | undefined;
  /** Of a tenant: bytes of events kept, as stored. */
  readonly storedBytes?: number | undefined;
  /** Of a tenant: events kept, and for how many days; shorter than the installation's own age only. */
  readonly storedEvents?: number | undefined;
  readonly storedDays?: number | undefined;
  readonly setMs: number;
}

interface Kinds {
  readonly source: SourceRecord;
  readonly credential: CredentialRecord;
  readonly person: PersonRecord;
  readonly rule: RuleRecord;
  readonly quarantine: QuarantineRecord;
  readonly quota: QuotaRecord;
}

/** A configured thing and where its newest state stands on CHANGES. */
export interface Registered<T> {
  readonly tenant: string;
  readonly id: string;
  readonly value: T;
  readonly position: Position;
}

/** Which configured thing. */
export interface Thing<K extends ChangeKind> {
  readonly tenant: string;
  readonly kind: K;
  readonly id: string;
}

/** The bus as far as the registry needs it. */
export type RegistryBus = Pick<EventBus, 'commit'> & Pick<ReplayLog, 'read'>;

/** What is configured, kept current. */
export class Registry implements AsyncDisposable {
  readonly #bus: RegistryBus;
  readonly #entries = new Map<string, Registered<unknown>>();
  readonly #credentials = new Map<string, Registered<CredentialRecord>>();
  readonly #listeners = new Set<(kind: ChangeKind) => void>();
  readonly #stop = new AbortController();
  #following: Promise<void> = Promise.resolve();
  #position: Position | undefined;

  readonly #nonce: () => string;

  private constructor(bus: RegistryBus, nonce: () => string) {
    this.#bus = bus;
    this.#nonce = nonce;
  }

  /** Reads all of CHANGES, then follows it until disposed; `onFailure` is told if following ends by an error. */
  static async open(bus: RegistryBus, onFailure: (error: unknown) => void, nonce: () => string = randomUUID): Promise<Registry> {
    const registry = new Registry(bus, nonce);
    let last: Position | undefined;
    for await (const stored of bus.read(CHANGES_FILTER, 'first')) {
      registry.#apply(stored);
      last = stored.position;
    }
    registry.#following = registry.#follow(last).catch((error: unknown) => {
      if (!registry.#stop.signal.aborted) onFailure(error);
    });
    return registry;
  }

  /** Newest position of CHANGES applied here; undefined while CHANGES is empty. */
  get position(): Position | undefined {
    return this.#position;
  }

  get<K extends ChangeKind>(tenant: string, kind: K, id: string): Registered<Kinds[K]> | undefined {
    return this.#entries.get(changeSubject(tenant, kind, id)) as Registered<Kinds[K]> | undefined;
  }

  /** All of a kind, of one tenant or of all, in order of id. */
  list<K extends ChangeKind>(kind: K, tenant?: string): Registered<Kinds[K]>[] {
    const found: Registered<Kinds[K]>[] = [];
    for (const [subject, entry] of this.#entries) {
      if (subject.split('.')[3] !== kind) continue;
      if (tenant === undefined || entry.tenant === tenant) found.push(entry as Registered<Kinds[K]>);
    }
    return found.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The credential with this token hash, of whatever tenant. */
  credentialByHash(hash: string): Registered<CredentialRecord> | undefined {
    return this.#credentials.get(hash);
  }

  /**
   * Writes a new state and sees it here before it resolves. Who decided by what he read gives it as `seen` (undefined: nothing was there);
   * else the state known here is replaced. @throws bus.fenced when somebody changed the thing since
   */
  async put<K extends ChangeKind>(
    { tenant, kind, id }: Thing<K>,
    value: Kinds[K],
    decided?: { readonly seen: Registered<Kinds[K]> | undefined },
  ): Promise<void> {
    const subject = changeSubject(tenant, kind, id);
    const replaced = decided ? decided.seen : this.#entries.get(subject);
    const expect = replaced?.position ?? 'none';
    const body = Buffer.from(JSON.stringify(value));
    // No two writes share an id: the second of two writers must be refused, not be taken for a resend of the first.
    const [published] = await this.#bus.commit([{ subject, id: `${subject}@${this.#nonce()}`, body, expect }]);
    if (published) this.#set(subject, value, published.position);
  }

  /** Calls back after each change, with its kind. Returns a function that ends it. */
  onChange(listener: (kind: ChangeKind) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#following;
  }

  async #follow(last: Position | undefined): Promise<void> {
    const { signal } = this.#stop;
    for await (const stored of this.#bus.read(CHANGES_FILTER, last ? { after: last } : 'first', { follow: true, signal }))
      this.#apply(stored);
  }

  #apply(stored: Stored): void {
    this.#set(stored.subject, JSON.parse(Buffer.from(stored.body).toString()), stored.position);
  }

  #set(subject: string, value: unknown, position: Position): void {
    const known = this.#entries.get(subject);
    // What was written here comes again by following, perhaps after what another wrote since: a state never goes back.
    if (known && comparePositions(known.position, position) >= 0) return;
    const [, , tenant = '', kind, id = ''] = subject.split('.') as [string, string, string?, ChangeKind?, string?];
    const entry = { tenant: decodeToken(tenant), id: decodeToken(id), value, position };
    this.#entries.set(subject, entry);
    if (this.#position === undefined || comparePositions(this.#position, position) < 0) this.#position = position;
    if (kind === 'credential') this.#credentials.set(entry.id, entry as Registered<CredentialRecord>);
    if (kind) for (const listener of this.#listeners) listener(kind);
  }
}
