/** Dead letters by the API: listed over its pages, and found by the beginning of an id. */
import { TocsinError } from '@tocsin/core';
import type { DeadLetter } from '../../deadletters/dead-letter.ts';
import type { ApiClient } from '../api-client.ts';

/** Which dead letters are asked for; what is undefined is not asked for. */
export type DeadLetterFilter = Readonly<Partial<Record<'consumer' | 'state' | 'reason' | 'source' | 'text' | 'id', string | undefined>>>;

interface Page {
  readonly deadLetters: readonly DeadLetter[];
  readonly next?: string;
}

/** Most entries the API gives at a time. */
const PAGE = 1000;

/** Dead letters that fit, the oldest state first, at most `limit`. Reads page by page as they are taken. */
export async function* fetchDeadLetters(api: ApiClient, filter: DeadLetterFilter, limit: number): AsyncGenerator<DeadLetter> {
  let left = limit;
  for (let after: string | undefined; left > 0; ) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries({ ...filter, limit: Math.min(PAGE, left), after }))
      if (value !== undefined) query.set(name, String(value));
    const page = await api.call<Page>('GET', `/dead-letters?${query.toString()}`);
    yield* page.deadLetters;
    left -= page.deadLetters.length;
    after = page.next;
    if (after === undefined) return;
  }
}

/** The whole id that begins with what was typed. @throws cli.no_dead_letter */
export async function resolveDeadLetterId(api: ApiClient, prefix: string): Promise<string> {
  const typed = prefix.toLowerCase();
  const ids: string[] = [];
  if (/^[0-9a-f]{1,32}$/.test(typed)) for await (const { id } of fetchDeadLetters(api, { id: typed }, 2)) ids.push(id);
  const [id, other] = ids;
  if (id !== undefined && other === undefined) return id;
  throw new TocsinError('cli.no_dead_letter', { prefix, found: ids.length });
}
