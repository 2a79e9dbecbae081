/** Opens the listeners that the settings name, each with its own state folder and counters, and says who may come in by them. */
import { join } from 'node:path';
import { type Clock, isTocsinError, type Scope, TocsinError } from '@tocsin/core';
import {
  type Emit,
  type Listener,
  type ListenerContext,
  ListenerCounts,
  type ListenerKind,
  listenerKinds,
  type Source,
} from '@tocsin/ingest';
import { FIRST_TENANT } from '../operator.ts';
import type { SourceBook } from '../registry/source-book.ts';
import type { AuthenticationEvidence } from '../security/authenticate.ts';
import { resolveSecrets } from '../security/resolve-secret.ts';
import { makePrivateFolder } from '../state/run-file.ts';

/** What listeners are opened with. */
export interface ListenerGround {
  readonly dataDir: string;
  /** Section `listeners` of the settings: kind, then name. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly book: Pick<SourceBook, 'find'>;
  /** For secrets that are named as `env:NAME`. */
  readonly environment: (name: string) => string | undefined;
  readonly authenticate: (evidence: AuthenticationEvidence) => Promise<{ readonly source: Source }>;
  readonly emit: Emit;
  readonly precheck: ListenerContext['precheck'];
  readonly clock: Clock;
  readonly nextId: () => string;
  readonly onTrouble: (error: unknown, what: string) => void;
  /** Closes them, before what they emit into. */
  readonly scope: Scope;
}

/** A listener that runs, as status shows it. */
export interface RunningListener {
  readonly kind: string;
  readonly name: string;
  readonly address: string;
  readonly counts: ListenerCounts;
}

/** Opens every listener of the settings; resolves when all take records. @throws listener.* of the first that cannot, the rest being closed by the scope */
export async function startListeners(ground: ListenerGround): Promise<RunningListener[]> {
  const running: RunningListener[] = [];
  for (const kind of listenerKinds) {
    for (const [name, settings] of Object.entries((ground.settings[kind.kind] ?? {}) as Record<string, unknown>)) {
      const context = await contextOf(kind, name, ground);
      const { environment } = ground;
      const resolved = await resolveSecrets(settings, { at: `listeners.${kind.kind}.${name}`, environment });
      // Read by the kind's own declaration, so this is what its `open` takes.
      const listener: Listener = await kind.open(resolved as never, context);
      ground.scope.add(`listener ${kind.kind}/${name}`, listener);
      running.push({ kind: kind.kind, name, address: listener.address, counts: context.counts });
    }
  }
  return running;
}

async function contextOf({ kind }: ListenerKind, name: string, ground: ListenerGround): Promise<ListenerContext> {
  const full = `${kind}/${name}`;
  const stateDir = join(ground.dataDir, 'listeners', kind, encodeURIComponent(name));
  await makePrivateFolder(stateDir);
  return {
    name: full,
    emit: ground.emit,
    precheck: ground.precheck,
    authenticate: async (token) =>
      (await ground.authenticate({ authorization: token === undefined ? undefined : `Bearer ${token}` })).source,
    boundSource: (source) => boundSource(ground.book, full, source),
    clock: ground.clock,
    nextId: ground.nextId,
    onTrouble: createBoundedTrouble(ground),
    stateDir,
    counts: new ListenerCounts(),
  };
}

/** What went wrong, told once in ten seconds for each thing: whoever sends must not be able to fill the log. */
function createBoundedTrouble({ onTrouble, clock }: Pick<ListenerGround, 'onTrouble' | 'clock'>): ListenerContext['onTrouble'] {
  const told = new Map<string, { atMs: number; untold: number }>();
  return (error, what) => {
    const key = isTocsinError(error) ? error.code : what;
    const nowMs = clock.monotonicMs();
    const last = told.get(key);
    if (last !== undefined && nowMs - last.atMs < TELL_AGAIN_MS) {
      last.untold += 1;
      return;
    }
    if (told.size >= MAX_TOLD) told.clear();
    told.set(key, { atMs: nowMs, untold: 0 });
    onTrouble(error, last === undefined || last.untold === 0 ? what : `${what} (and ${last.untold} times since it was last told)`);
  };
}

const TELL_AGAIN_MS = 10_000;
const MAX_TOLD = 100;

/** A source that the settings bind to a door, by `tenant/source` or the name of one of the first tenant. @throws listener.source_unknown */
export function boundSource(book: Pick<SourceBook, 'find'>, listener: string, named: string): Source {
  // `tenant/source`, or a source of the first tenant: a tenant's name has no slash where one is written here.
  const slash = named.indexOf('/');
  const tenant = slash < 0 ? FIRST_TENANT : named.slice(0, slash);
  const name = named.slice(slash + 1);
  const source = unlessRevoked(() => book.find(tenant, name));
  if (source === undefined) throw new TocsinError('listener.source_unknown', { listener, source: name, tenant });
  return source;
}

/** What is found; undefined where it was revoked. */
function unlessRevoked<T>(find: () => T): T | undefined {
  try {
    return find();
  } catch (error) {
    if (isTocsinError(error, 'auth.refused')) return undefined;
    throw error;
  }
}
