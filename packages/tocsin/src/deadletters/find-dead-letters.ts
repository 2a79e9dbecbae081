/** Looking for dead letters on the bus: one tenant's, by page, in the order in which they came to their state. */
import type { ReplayLog } from '@tocsin/bus';
import { isTocsinError, type Position, TocsinError } from '@tocsin/core';
import { deadLettersFilter } from '../subjects.ts';
import { type DeadLetter, type DeadLetterState, readDeadLetter, type StoredDeadLetter } from './dead-letter.ts';

/** Which dead letters. */
export interface DeadLetterQuery {
  readonly tenant: string;
  readonly consumer?: string | undefined;
  readonly state?: DeadLetterState | undefined;
  readonly reason?: string | undefined;
  readonly source?: string | undefined;
  /** Part of an error's text, whatever its case. */
  readonly text?: string | undefined;
  /** Beginning of its id. */
  readonly id?: string | undefined;
  /** Only what was tried last before this time, milliseconds since 1970: what fails again meanwhile is not taken again. */
  readonly beforeMs?: number | undefined;
}

/** A page of them. */
export interface DeadLetterPage {
  readonly letters: readonly StoredDeadLetter[];
  /** Where the next page begins; absent behind the last. */
  readonly next?: Position | undefined;
}

/** Messages looked at for one page: a filter that fits nothing must not read the whole stream in one request. */
const MAX_SCANNED = 5000;
const ID = /^[0-9a-f]{32}$/;

/** A page of letters that fit, the oldest state first. */
export async function findDeadLetters(
  log: Pick<ReplayLog, 'read'>,
  query: DeadLetterQuery,
  page: { readonly limit: number; readonly after?: Position | undefined; readonly signal?: AbortSignal | undefined },
): Promise<DeadLetterPage> {
  const letters: StoredDeadLetter[] = [];
  const start = page.after === undefined ? 'first' : { after: page.after };
  let scanned = 0;
  let last: Position | undefined;
  for await (const stored of log.read(deadLettersFilter(query.tenant, { consumer: query.consumer }), start, {
    limit: MAX_SCANNED,
    signal: page.signal,
  })) {
    scanned += 1;
    last = stored.position;
    const found = readable(stored);
    if (found !== undefined && fits(found.letter, query)) letters.push({ ...found, body: Uint8Array.from(found.body) });
    if (letters.length === page.limit) break;
  }
  return { letters, ...(letters.length === page.limit || scanned === MAX_SCANNED ? { next: last } : {}) };
}

/** One letter of a tenant. @throws api.not_found */
export async function getDeadLetter(log: Pick<ReplayLog, 'read'>, tenant: string, id: string): Promise<StoredDeadLetter> {
  if (ID.test(id)) {
    for await (const stored of log.read(deadLettersFilter(tenant, { id }), 'first', { limit: 1 })) {
      const found = readDeadLetter(stored);
      return { ...found, body: Uint8Array.from(found.body) };
    }
  }
  throw new TocsinError('api.not_found', { what: 'dead letter', id });
}

function readable(stored: Parameters<typeof readDeadLetter>[0]): StoredDeadLetter | undefined {
  try {
    return readDeadLetter(stored);
  } catch (error) {
    // Whatever else stands there must not hide the letters behind it.
    if (isTocsinError(error, 'deadletter.unreadable')) return undefined;
    throw error;
  }
}

function fits(letter: DeadLetter, query: DeadLetterQuery): boolean {
  const { id = '', beforeMs = Number.POSITIVE_INFINITY, text } = query;
  if (!letter.id.startsWith(id) || letter.lastMs >= beforeMs) return false;
  for (const name of ['state', 'reason', 'source'] as const) if (query[name] !== undefined && letter[name] !== query[name]) return false;
  const wanted = text?.toLowerCase();
  return wanted === undefined || letter.errors.some((error) => error.text.toLowerCase().includes(wanted));
}
