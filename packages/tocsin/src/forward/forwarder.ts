/**
 * A forwarder: listeners as an installation has them, but what they bring goes to disk and from there to an installation elsewhere. Taken in
 * means on this disk; what that promises from there on is `sender.ts`. It has no bus, no rules and no API.
 */
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { lockDirectory } from '@tocsin/bus/nats';
import {
  type Clock,
  createScope,
  createUlidGenerator,
  encodeToken,
  type Position,
  type Secret,
  sha256Hex,
  TocsinError,
} from '@tocsin/core';
import { type Emit, type RawRecord, type RecordResult, readClientTls, type Source } from '@tocsin/ingest';
import { type RunningListener, startListeners } from '../duties/start-listeners.ts';
import { FIRST_TENANT } from '../operator.ts';
import { resolveSecret } from '../security/resolve-secret.ts';
import { makePrivateFolder } from '../state/run-file.ts';
import type { ForwardSettings } from './forward-settings.ts';
import { type ForwardStatus, statusOf, writeStatus } from './forward-status.ts';
import { Outbox } from './outbox.ts';
import { RemoteDoor } from './remote-door.ts';
import { Sender } from './sender.ts';

/** What a forwarder is started with. */
export interface ForwarderOptions {
  readonly dataDir: string;
  readonly settings: ForwardSettings;
  readonly environment: (name: string) => string | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onTrouble: (error: unknown, what: string) => void;
}

/** A source on its way. */
export interface ForwardedSource {
  readonly source: Source;
  readonly tokenHash: string;
  readonly outbox: Outbox;
  readonly sender: Sender;
}

/** A running forwarder. Disposing stops taking in, puts what was taken in on disk, and leaves the rest for the next start. */
export interface Forwarder extends AsyncDisposable {
  readonly listeners: readonly RunningListener[];
  /** Takes records in for a source: resolves when they are on this disk. @throws forward.spool_full, ingest.closing */
  readonly emit: Emit;
  /** A source by its name in the settings. @throws listener.source_unknown */
  sourceNamed(name: string): Source;
  /** Resolves when everything that was taken in is stored there, or the signal aborts. */
  settled(signal: AbortSignal): Promise<void>;
  status(): ForwardStatus;
}

/** How often status is left for others to read. */
const STATUS_EVERY_MS = 1000;
const SPOOL_FULL_AGAIN_MS = 1000;
/** Where records are that are on this disk only; nobody but an installation can say more. */
const HERE = { position: 'spool' as Position, index: 0 };

/** Starts a forwarder; resolves when it takes records. @throws config.bad_value, listener.*, server.in_use */
export async function startForwarder(options: ForwarderOptions): Promise<Forwarder> {
  const { settings, clock } = options;
  const folder = join(options.dataDir, 'forward');
  await makePrivateFolder(folder);
  const scope = createScope();
  try {
    const unlock = lockDirectory(folder);
    scope.add('lock', unlock);
    const tls = await readClientTls(settings.tls, { name: 'forward', address: settings.url });
    const door = scope.add('connections', new RemoteDoor(settings.url, tls));
    const sources = new Map<string, ForwardedSource>();
    for (const [name, { token }] of Object.entries(settings.sources)) {
      const opened = await openSource(name, token, { ...options, folder, door });
      sources.set(name, opened);
      scope.add(`spool of ${name}`, opened.outbox);
      scope.add(`sender of ${name}`, opened.sender);
    }
    const nextId = createUlidGenerator(clock);
    const emit = createEmit({ folder, sources, nextId, clock, maxBytes: settings.spoolMaxBytes });
    const listeners = await startListeners({ ...groundOf(options, sources), dataDir: folder, emit, nextId, scope });
    const status = (): ForwardStatus => statusOf({ settings, sources, listeners, nowMs: clock.nowMs() });
    scope.add('status', keepStatus(folder, status, options.onTrouble));
    return {
      listeners,
      emit,
      status,
      sourceNamed: (name) => find(sources, name),
      settled: async (signal) => void (await Promise.all([...sources.values()].map(({ sender }) => sender.idle(signal)))),
      [Symbol.asyncDispose]: () => scope.close(),
    };
  } catch (error) {
    await scope.close();
    throw error;
  }
}

async function openSource(
  name: string,
  reference: Secret,
  { folder, door, ...options }: ForwarderOptions & { readonly folder: string; readonly door: RemoteDoor },
): Promise<ForwardedSource> {
  const { settings, environment, clock } = options;
  const token = (await resolveSecret(reference, { at: `sources.${name}.token`, environment })).reveal();
  const outbox = await Outbox.open(join(folder, 'spool', encodeToken(name)), () => clock.nowMs());
  const sender = new Sender({ ...options, url: settings.url, source: name, token, outbox, door });
  const source: Source = { tenant: FIRST_TENANT, name, format: 'auto', lane: 'live', shard: '' };
  return { source, tokenHash: sha256Hex(token), outbox, sender };
}

/** What listeners are given beside where their records go. */
function groundOf(
  { settings, environment, clock, onTrouble }: ForwarderOptions,
  sources: ReadonlyMap<string, ForwardedSource>,
): Omit<Parameters<typeof startListeners>[0], 'dataDir' | 'emit' | 'nextId' | 'scope'> {
  return {
    settings: withoutSpools(settings.listeners),
    book: { find: (_tenant, name) => sources.get(name)?.source },
    environment,
    // A device shows the credential of its source here, as it would there.
    authenticate: async ({ authorization }) => {
      if (authorization === undefined) throw new TocsinError('auth.missing', {});
      const hash = sha256Hex(authorization.replace(/^Bearer /, ''));
      const found = [...sources.values()].find(({ tokenHash }) => tokenHash === hash);
      if (found === undefined) throw new TocsinError('auth.refused', { reason: 'it is none of this forwarder' });
      return { source: found.source };
    },
    precheck: () => undefined,
    clock,
    onTrouble,
  };
}

/** Everything is spooled here: a listener needs no spool of its own before it. */
function withoutSpools(listeners: ForwardSettings['listeners']): Record<string, unknown> {
  const without = (entry: unknown): unknown =>
    typeof entry === 'object' && entry !== null && 'spoolMaxBytes' in entry ? { ...entry, spoolMaxBytes: 0 } : entry;
  return Object.fromEntries(
    Object.entries(listeners as Record<string, object>).map(([kind, entries]) => [
      kind,
      Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, without(entry)])),
    ]),
  );
}

/** Room that is left to everybody else on the disk. */
const LEAST_FREE_BYTES = 64 << 20;

async function hasRoom(folder: string, size: number): Promise<boolean> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize - size >= LEAST_FREE_BYTES;
}

interface EmitGround {
  readonly folder: string;
  readonly sources: ReadonlyMap<string, ForwardedSource>;
  readonly nextId: () => string;
  readonly clock: Clock;
  readonly maxBytes: number;
}

function createEmit(ground: EmitGround): Emit {
  return async (source, records, options = {}) => {
    const { outbox } = find(ground.sources, source.name);
    await checkRoom(ground, records);
    for (const _ of records) options.onTaken?.(1);
    const label = { key: options.idempotencyKey ?? ground.nextId(), nowMs: ground.clock.nowMs() };
    const labelled = records.map((record, i) => labelRecord(record, { ...label, place: i }));
    const taken = labelled.filter(({ refused }) => refused === undefined);
    if (taken.length > 0) await outbox.put(taken);
    return labelled.map(({ refused, envelope }): RecordResult => {
      if (refused !== undefined) return { status: 'rejected', ...refused };
      return { status: 'stored', id: envelope?.id ?? envelope?.fallbackId ?? '', at: HERE };
    });
  };
}

/** @throws forward.spool_full */
async function checkRoom({ sources, folder, maxBytes }: EmitGround, records: readonly RawRecord[]): Promise<void> {
  const size = records.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const used = [...sources.values()].reduce((sum, each) => sum + each.outbox.bytes, 0);
  if (used + size > maxBytes || !(await hasRoom(folder, size)))
    throw new TocsinError('forward.spool_full', { maxBytes, retryAfterMs: SPOOL_FULL_AGAIN_MS });
}

/** A record with what makes it the same event however often and with whatever neighbours it is sent, and a time where it has none. */
function labelRecord(record: RawRecord, { key, place, nowMs }: { key: string; place: number; nowMs: number }): RawRecord {
  const { envelope } = record;
  const fallbackId = envelope?.fallbackId ?? `${key}-${place}`;
  return { ...record, envelope: { ...envelope, fallbackId, timeMs: envelope?.timeMs ?? nowMs } };
}

function find(sources: ReadonlyMap<string, ForwardedSource>, name: string): ForwardedSource & Source {
  const found = sources.get(name);
  if (found === undefined) throw new TocsinError('listener.source_unknown', { listener: 'forward', source: name, tenant: FIRST_TENANT });
  return { ...found, ...found.source };
}

/** Leaves its status where `tocsin forward status` reads it. Disposing leaves the last one. */
function keepStatus(folder: string, status: () => ForwardStatus, onTrouble: ForwarderOptions['onTrouble']): AsyncDisposable {
  let writing: Promise<void> = Promise.resolve();
  const write = (): void => {
    writing = writing.then(() => writeStatus(folder, status())).catch((error: unknown) => onTrouble(error, 'writing the status'));
  };
  const timer = setInterval(write, STATUS_EVERY_MS);
  write();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      write();
      await writing;
    },
  };
}
