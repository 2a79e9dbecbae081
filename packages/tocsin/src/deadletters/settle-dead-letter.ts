/**
 * What people do with dead letters: edit, redrive, discard. Each is an audited act on the newest state, compare-and-set, so that two people
 * cannot both have done it. A redriven letter goes back to the consumer that dropped it and to nobody else.
 */
import { type EventBus, encodeFrame, openFrame, type ReplayLog } from '@tocsin/bus';
import { type Clock, isTocsinError, TocsinError } from '@tocsin/core';
import type { Principal } from '../security/principal.ts';
import type { Privileged } from '../security/privileged.ts';
import { deadLetterSubject, retrySubject } from '../subjects.ts';
import { CORRELATE_CONSUMER, MATCH_CONSUMER, STORE_CONSUMER } from '../topology.ts';
import { contentOf, type DeadLetter, type DeadLetterAct, deadLetterHeaders, readDeadLetter, type StoredDeadLetter } from './dead-letter.ts';

/** Folds read MATCHES only, and only the matcher writes there. */
const REDRIVEN_THROUGH: ReadonlyMap<string, string> = new Map([[CORRELATE_CONSUMER, MATCH_CONSUMER]]);

/** What the acts are done with. */
export interface SettleDeps {
  readonly bus: Pick<EventBus, 'commit'> & Pick<ReplayLog, 'last'>;
  readonly privileged: Privileged;
  readonly clock: Clock;
  readonly nextId: () => string;
}

/** Gives a letter another content: an event another record, a message another body. Resolves with its new state. @throws deadletter.settled, deadletter.bad_edit, api.conflict */
export async function editDeadLetter(
  deps: SettleDeps,
  who: Principal,
  edit: StoredDeadLetter & { readonly content: Uint8Array },
): Promise<DeadLetter> {
  const { letter, at, content } = edit;
  mustWait(letter);
  const body = letter.kind === 'event' ? withRecord(edit, content) : content;
  const after: DeadLetter = { ...letter, ...contentOf(body), act: actOf(deps, who, { kind: 'edit' }) };
  const act = { before: { sha256: letter.sha256, bytes: letter.bytes }, after: { sha256: after.sha256, bytes: after.bytes } };
  await audited(deps, who, { letter, act, effect: () => putState(deps, after, { body, expect: at }) });
  return after;
}

/** Gives a letter to its consumer once more. Resolves with its new state. @throws deadletter.settled, deadletter.no_redrive, api.conflict */
export async function redriveDeadLetter(deps: SettleDeps, who: Principal, { letter, body, at }: StoredDeadLetter): Promise<DeadLetter> {
  mustWait(letter);
  if (letter.consumer === STORE_CONSUMER) throw new TocsinError('deadletter.no_redrive', { id: letter.id, consumer: letter.consumer });
  const redrives = letter.redrives + 1;
  const after: DeadLetter = { ...letter, state: 'redriven', redrives, act: actOf(deps, who, { kind: 'redrive' }) };
  const act = { before: { state: letter.state, sha256: letter.sha256 }, after: { state: after.state, redrives } };
  await audited(deps, who, {
    letter,
    act,
    effect: async () => {
      // First to the consumer: were the state first, a crash in between would lose it. Sent twice it has the same id, and counts once.
      const subject = retrySubject(REDRIVEN_THROUGH.get(letter.consumer) ?? letter.consumer);
      await deps.bus.commit([{ subject, id: redriveId(after), headers: deadLetterHeaders(after), body }]);
      await putRedriven(deps, after, { body, expect: at });
    },
  });
  return after;
}

/** Takes a letter's bytes away for good; what it was and why it went stays. @throws deadletter.settled, api.conflict */
export async function discardDeadLetter(
  deps: SettleDeps,
  who: Principal,
  { letter, at, reason }: StoredDeadLetter & { readonly reason: string },
): Promise<DeadLetter> {
  mustWait(letter);
  const after: DeadLetter = { ...letter, state: 'discarded', act: actOf(deps, who, { kind: 'discard', reason }) };
  const act = { before: { state: letter.state, sha256: letter.sha256, bytes: letter.bytes }, after: { state: after.state, reason } };
  await audited(deps, who, { letter, act, effect: () => putState(deps, after, { body: new Uint8Array(), expect: at }) });
  return after;
}

/** Who tries suspects once more. */
export const ISOLATION_ACTOR = 'tocsin/isolation';

/** Gives a suspected event to its consumer once more, without anybody's asking: no privileged act, as nothing is decided. */
export async function tryAgain(deps: Pick<SettleDeps, 'bus' | 'clock' | 'nextId'>, letter: DeadLetter, body: Uint8Array): Promise<void> {
  const known = await deps.bus.last(deadLetterSubject(letter.tenant, letter.consumer, letter.id));
  if (known === undefined || readDeadLetter(known).letter.redrives > letter.redrives) return;
  const redrives = letter.redrives + 1;
  const act: DeadLetterAct = { kind: 'redrive', actor: ISOLATION_ACTOR, atMs: deps.clock.nowMs() };
  const after: DeadLetter = { ...letter, state: 'redriven', redrives, act };
  await deps.bus.commit([{ subject: retrySubject(letter.consumer), id: redriveId(after), headers: deadLetterHeaders(after), body }]);
  await putRedriven(deps, after, { body, expect: known.position });
}

/** Id of one redrive: its consumer recognises by it what it has handled. */
export function redriveId({ id, redrives }: Pick<DeadLetter, 'id' | 'redrives'>): string {
  return `redrive.${id}.${redrives}`;
}

interface Audited {
  readonly letter: DeadLetter;
  readonly act: { readonly before: unknown; readonly after: unknown };
  readonly effect: () => Promise<void>;
}

async function audited({ privileged }: SettleDeps, who: Principal, { letter, act, effect }: Audited): Promise<void> {
  const resource = `dead-letter/${letter.consumer}/${letter.id}`;
  try {
    await privileged(who, { action: 'deadletters.write', resource, ...act }, effect);
  } catch (error) {
    if (!isTocsinError(error, 'bus.fenced')) throw error;
    throw new TocsinError('api.conflict', { what: 'dead letter', id: letter.id }, { cause: error });
  }
}

/** The consumer may have been so quick that the letter waits again by now. */
async function putRedriven(
  deps: Pick<SettleDeps, 'bus' | 'nextId'>,
  after: DeadLetter,
  stored: { readonly body: Uint8Array; readonly expect: StoredDeadLetter['at'] },
): Promise<void> {
  try {
    await putState(deps, after, stored);
  } catch (error) {
    if (!isTocsinError(error, 'bus.fenced')) throw error;
    const newest = await deps.bus.last(deadLetterSubject(after.tenant, after.consumer, after.id));
    if (newest === undefined || readDeadLetter(newest).letter.redrives !== after.redrives) throw error;
  }
}

async function putState(
  { bus, nextId }: Pick<SettleDeps, 'bus' | 'nextId'>,
  after: DeadLetter,
  { body, expect }: { readonly body: Uint8Array; readonly expect: StoredDeadLetter['at'] },
): Promise<void> {
  const subject = deadLetterSubject(after.tenant, after.consumer, after.id);
  await bus.commit([{ subject, id: `dead.${after.id}.${nextId()}`, headers: deadLetterHeaders(after), body, expect }]);
}

function actOf({ clock }: SettleDeps, who: Principal, act: Pick<DeadLetterAct, 'kind' | 'reason'>): DeadLetterAct {
  return { ...act, actor: who.actor, atMs: clock.nowMs() };
}

function mustWait({ id, state }: DeadLetter): void {
  if (state !== 'waiting') throw new TocsinError('deadletter.settled', { id, state });
}

/** The letter's frame with another record in the place of its own. */
function withRecord({ letter, body }: StoredDeadLetter, record: Uint8Array): Uint8Array {
  const { id, tenant } = letter;
  try {
    const frame = openFrame(body, { tenant });
    const { count: _count, minTimeMs: _min, maxTimeMs: _max, ...fields } = frame.header;
    const { tenant: _tenant, ...event } = frame.event(0);
    return encodeFrame(fields, [{ ...event, record }]);
  } catch (error) {
    if (!isTocsinError(error)) throw error;
    throw new TocsinError('deadletter.bad_edit', { id, reason: error.message }, { cause: error });
  }
}
