/**
 * The seam of every door that is not the events route: a listener takes records off a protocol and awaits `emit`, which resolves
 * when they are durable. Awaiting it is the backpressure; each protocol passes it on in its own words. Which kinds there are is in
 * `listener-kinds.ts`; where they are opened is the composition root.
 */
import type { Clock } from '@tocsin/core';
import type { SettingGroup, SettingsOf } from '@tocsin/core/setting';
import type { EmitOptions } from '../intake.ts';
import type { RawRecord, RecordResult, Source } from '../source.ts';
import type { ListenerCounts } from './listener-counts.ts';

/**
 * Hands records of a source to the intake. Resolves when everything that was not rejected is fsynced, one result per record in
 * order. Where it rejects, some may be stored: the listener gives the same records with the same ids again, or refuses them in its
 * protocol so that the sender does.
 * @throws flow.* (not admitted: quota, disk; `details.retryAfterMs` says when it is worth coming again), ingest.overloaded, ingest.closing, bus.*
 */
export type Emit = (source: Source, records: readonly RawRecord[], options?: EmitOptions) => Promise<RecordResult[]>;

/** What a listener is given of its surroundings. */
export interface ListenerContext {
  /** Name the user gave it in the settings, such as `edge`. */
  readonly name: string;
  readonly emit: Emit;
  /** Throws what `emit` would throw for a single record of this source now: for refusing before anything is read. Takes nothing out of a quota. */
  readonly precheck: (source: Source) => void;
  /** Who a token belongs to, by the credential alone. @throws auth.missing, auth.refused, auth.forbidden */
  readonly authenticate: (token: string | undefined) => Promise<Source>;
  /**
   * A source that the settings bind to this listener, where its transport carries no credential. Asked for each connection or
   * batch: a source may be revoked at any time. @throws auth.refused where it is not registered or was revoked
   */
  readonly boundSource: (name: string) => Source;
  readonly clock: Clock;
  /** Makes ULIDs. */
  readonly nextId: () => string;
  /** Told what went wrong and was dealt with. Bounded by the composition root: it may be called per record. */
  readonly onTrouble: (error: unknown, what: string) => void;
  /** Folder of its own, made and private (0700), for checkpoints and spools; kept over restarts. */
  readonly stateDir: string;
  /** What it counts into. */
  readonly counts: ListenerCounts;
}

/**
 * A running door. Disposing stops taking in, lets what is in flight become durable or be refused, and closes every connection;
 * it resolves within 10 seconds.
 */
export interface Listener extends AsyncDisposable {
  /** Where it listens or what it reads, for people: `tcp://127.0.0.1:6514`. Known once `open` has resolved. */
  readonly address: string;
}

/** One kind of listener: its settings, and how one is opened. */
export interface ListenerKind<G extends SettingGroup = SettingGroup> {
  /** Name in the settings: `syslog`. */
  readonly kind: string;
  readonly settings: G;
  /** Resolves when it takes records. @throws listener.* where it cannot: address taken, certificate unreadable */
  open(settings: SettingsOf<G>, context: ListenerContext): Promise<Listener>;
}

/** Declares a kind, so that `open` gets its settings typed. */
export function listenerKind<G extends SettingGroup>(kind: ListenerKind<G>): ListenerKind<G> {
  return kind;
}
