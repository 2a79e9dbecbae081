/** Acts on many dead letters: those named, or all that fit a choice, one after the other and by pages. What fails does not hold up the rest. */
import { isTocsinError, type Position, TocsinError } from '@tocsin/core';
import type { StoredDeadLetter } from '../deadletters/dead-letter.ts';
import { findDeadLetters, getDeadLetter } from '../deadletters/find-dead-letters.ts';
import type { ApiCall, JsonSchema } from './route.ts';
import { readChoice } from './routes/list-dead-letters.ts';

/** Letters of one request: with 50 a second it is answered within two seconds, and the caller asks for the rest. */
const MAX_AT_ONCE = 100;

/** How letters are named in a request. */
export const chosenLetters: Readonly<Record<string, JsonSchema>> = {
  ids: { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: MAX_AT_ONCE, description: 'These letters' },
  all: { type: 'boolean', const: true, description: 'All that wait and fit the choice' },
  after: { type: 'string', maxLength: 128, description: '`next` of the answer before' },
  beforeMs: { type: 'integer', description: '`beforeMs` of the answer before: what fails again meanwhile is not taken again' },
};

/** What became of the letters of a request. */
export interface SettledLetters {
  readonly done: readonly string[];
  readonly failed: readonly { readonly id: string; readonly code: string; readonly message: string }[];
  readonly next?: Position | undefined;
  readonly beforeMs: number;
}

type Wanted = { ids?: string[]; all?: true; after?: Position; beforeMs?: number } & Record<string, unknown>;

/** Does something to each letter of a request. @throws api.bad_request, and whatever is not about one letter */
export async function settleChosen(call: ApiCall, settle: (stored: StoredDeadLetter) => Promise<void>): Promise<SettledLetters> {
  const { ids, all, after, beforeMs = call.context.clock.nowMs(), ...choice } = call.body as Wanted;
  if ((ids === undefined) === (all === undefined)) throw new TocsinError('api.bad_request', { reason: 'either ids or all is given' });
  const { context, principal } = call;
  const done: string[] = [];
  const failed: SettledLetters['failed'][number][] = [];
  const attempt = async (id: string, find: () => Promise<StoredDeadLetter>): Promise<void> => {
    try {
      await settle(await find());
      done.push(id);
    } catch (error) {
      if (!isTocsinError(error) || error.row.http >= 500) throw error;
      failed.push({ id, code: error.code, message: error.message });
    }
  };
  for (const id of ids ?? []) await attempt(id, () => getDeadLetter(context.bus, principal.tenant, id));
  if (ids !== undefined) return { done, failed, beforeMs };
  const query = { ...readChoice(principal.tenant, choice), state: 'waiting' as const, beforeMs };
  const page = await findDeadLetters(context.bus, query, { limit: MAX_AT_ONCE, after, signal: context.closing });
  for (const stored of page.letters) await attempt(stored.letter.id, async () => stored);
  return { done, failed, beforeMs, ...(page.next === undefined ? {} : { next: page.next }) };
}
