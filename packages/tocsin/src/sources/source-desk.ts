/** Everything the API asks about sources, and how one is described: as registered, what was heard of it, its credentials. */
import type { SourceActivity, SourceFacts } from '@tocsin/ingest';
import type { CredentialRecord, Registered, SourceRecord } from '../registry/registry.ts';
import type { SourceBook } from '../registry/source-book.ts';
import type { FactsKeeper, KnownSource } from './facts-keeper.ts';
import { silenceAfter } from './silence-state.ts';

/** What is known of sources. */
export interface SourceDesk {
  readonly activity: SourceActivity;
  readonly facts: Pick<FactsKeeper, 'known'>;
  readonly book: SourceBook;
  /** What holds for all: settings `sources.silence`. */
  readonly silence: { readonly alerts: boolean; readonly first: number; readonly second: number };
  readonly rotationGraceMs: number;
}

/** What was heard of a source, all processes together, since each started. Times in milliseconds since 1970. */
export interface HeardOf {
  readonly lastHeardMs?: number | undefined;
  readonly lastTakenMs?: number | undefined;
  /** How long it has been silent, and whether an alert says so. */
  readonly silentMs?: number | undefined;
  readonly isSilent: boolean;
  readonly eventsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly records: number;
  readonly bytes: number;
  /** Answered as there already, without being stored again. */
  readonly duplicates: number;
  readonly dropped: number;
  readonly droppedBy: Readonly<Record<string, number>>;
  readonly droppedByProducer: number;
  readonly quarantined: number;
  readonly misfits: number;
  readonly secrets: number;
  readonly unmapped: number;
  /** Records that could not be read. */
  readonly parseFailures: number;
  /** Records not taken, by error code. */
  readonly rejected: Readonly<Record<string, number>>;
  readonly lag?: SourceFacts['lag'];
}

/** A credential as people see it: never its token, nor what could be tried against it. */
export interface ShownCredential {
  readonly id: string;
  readonly label: string;
  readonly state: 'active' | 'grace' | 'expired' | 'revoked';
  readonly createdMs: number;
  readonly expiresMs?: number | undefined;
  readonly revokedMs?: number | undefined;
  readonly lastUsedMs?: number | undefined;
}

/** What was heard of a source. */
export function heardOf(
  record: SourceRecord,
  known: KnownSource | undefined,
  desk: Pick<SourceDesk, 'silence'> & { readonly nowMs: number },
): HeardOf {
  return { ...timesOf(record, known, desk), ...countsOf(known?.facts ?? []) };
}

type Times = Pick<HeardOf, 'lastHeardMs' | 'lastTakenMs' | 'silentMs' | 'isSilent'>;

function timesOf(
  record: SourceRecord,
  known: KnownSource | undefined,
  { silence, nowMs }: Pick<SourceDesk, 'silence'> & { readonly nowMs: number },
): Times {
  if (known === undefined) return { isSilent: false };
  const { lastHeardMs, lastTakenMs } = known;
  if (lastTakenMs === 0) return { lastHeardMs, isSilent: false };
  const silentMs = Math.max(0, nowMs - lastTakenMs);
  const after = record.revokedMs === undefined ? silenceAfter(record, silence) : undefined;
  return { lastHeardMs, lastTakenMs, silentMs, isSilent: after !== undefined && silentMs >= after.firstMs };
}

/** Counts of all processes together; the lag of the one that heard of it last. */
function countsOf(facts: readonly SourceFacts[]): Omit<HeardOf, keyof Times> {
  const sum = (count: (one: SourceFacts) => number): number => facts.reduce((total, one) => total + count(one), 0);
  const rejected = sumUp(facts.map((one) => one.rejected));
  const [newest] = facts.toSorted((a, b) => b.lastHeardMs - a.lastHeardMs);
  return {
    eventsPerSecond: sum((one) => one.eventsPerSecond),
    bytesPerSecond: sum((one) => one.bytesPerSecond),
    records: sum((one) => one.records),
    bytes: sum((one) => one.bytes),
    duplicates: sum((one) => one.duplicates),
    dropped: sum((one) => one.dropped),
    droppedBy: sumUp(facts.map((one) => one.droppedBy)),
    droppedByProducer: sum((one) => one.droppedByProducer),
    quarantined: sum((one) => one.quarantined),
    misfits: sum((one) => one.misfits),
    secrets: sum((one) => one.secrets),
    unmapped: sum((one) => one.unmapped),
    parseFailures: Object.entries(rejected).reduce((total, [code, count]) => total + (code.startsWith('decode.') ? count : 0), 0),
    rejected,
    ...(newest?.lag === undefined ? {} : { lag: newest.lag }),
  };
}

/** Counts by name, of several tables together. */
function sumUp(tables: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = Object.create(null);
  for (const table of tables) for (const [name, count] of Object.entries(table)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

/** Credentials of a source, newest first, at most 20. */
export function shownCredentials(
  credentials: readonly Registered<CredentialRecord>[],
  known: KnownSource | undefined,
  nowMs: number,
): ShownCredential[] {
  const used = (id: string): number => Math.max(0, ...(known?.facts ?? []).map((one) => one.credentials[id] ?? 0));
  return credentials
    .map(({ id, value }): ShownCredential => {
      const short = id.slice(0, 12);
      const { label = value.actor, createdMs, expiresMs, revokedMs } = value;
      const lastUsedMs = used(short);
      return {
        id: short,
        label,
        state: stateOf(value, nowMs),
        createdMs,
        ...(expiresMs === undefined ? {} : { expiresMs }),
        ...(revokedMs === undefined ? {} : { revokedMs }),
        ...(lastUsedMs > 0 ? { lastUsedMs } : {}),
      };
    })
    .sort((a, b) => b.createdMs - a.createdMs)
    .slice(0, MAX_SHOWN);
}

const MAX_SHOWN = 20;

function stateOf({ revokedMs, expiresMs }: CredentialRecord, nowMs: number): ShownCredential['state'] {
  if (revokedMs !== undefined) return 'revoked';
  if (expiresMs === undefined) return 'active';
  return expiresMs <= nowMs ? 'expired' : 'grace';
}
