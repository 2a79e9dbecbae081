/**
 * The one door by which something that was accepted may leave unhandled: it is counted and its bytes become a dead letter. Who drops waits
 * until the bus has it, and only then passes on: what cannot be kept is not passed.
 */
import type { EventBus, ReplayLog } from '@tocsin/bus';
import { type Clock, isTocsinError } from '@tocsin/core';
import { commitUntilStored } from '../state/commit-until-stored.ts';
import { deadLetterSubject } from '../subjects.ts';
import { contentOf, type DeadLetter, type DropReason, deadLetterHeaders, deadLetterId, readDeadLetter } from './dead-letter.ts';

/** What is dropped, and by whom. */
export type Dropped = Pick<
  DeadLetter,
  'tenant' | 'consumer' | 'kind' | 'subject' | 'position' | 'index' | 'messageId' | 'headers' | 'source' | 'eventId' | 'scope'
> & {
  readonly body: Uint8Array;
  readonly errors: DeadLetter['errors'];
  /** The letter it was redriven from: that one waits again. */
  readonly redriveOf?: DeadLetter | undefined;
};

/** Drops something. Resolves with its dead letter when that is stored. Aborted, it rejects and nothing may be passed. */
export type Drop = (dropped: Dropped, reason: DropReason) => Promise<DeadLetter>;

/** What the door is made of. */
export interface DropOptions {
  readonly bus: Pick<EventBus, 'commit'> & Pick<ReplayLog, 'last'>;
  readonly clock: Clock;
  readonly onTrouble: (error: unknown, what: string, about?: Readonly<Record<string, unknown>>) => void;
  /** Stops trying to write. */
  readonly giveUp: AbortSignal;
  /** Told of each one, for counting. */
  readonly onDrop?: ((letter: DeadLetter) => void) | undefined;
}

/** The door of one duty. */
export function createDrop(options: DropOptions): Drop {
  return async (dropped, reason) => {
    const letter = letterOf(dropped, reason, options.clock.nowMs());
    await store(letter, dropped, options);
    options.onDrop?.(letter);
    options.onTrouble(new Error(letter.errors.at(-1)?.text ?? reason), `dead letter ${letter.id} of ${letter.consumer} (${reason})`, {
      tenant_id: letter.tenant,
      event_id: letter.eventId ?? null,
      source: letter.source ?? null,
    });
    return letter;
  };
}

function letterOf({ body, redriveOf, ...dropped }: Dropped, reason: DropReason, nowMs: number): DeadLetter {
  const id = deadLetterId(dropped);
  const before = redriveOf ?? { id, attempts: 0, errors: [], redrives: 0, firstMs: dropped.errors[0]?.atMs ?? nowMs };
  const errors = dropped.errors.map((error) => ({ ...error, attempt: before.attempts + error.attempt }));
  const last = errors.at(-1) ?? { attempt: before.attempts + 1, atMs: nowMs };
  return {
    ...dropped,
    id: before.id,
    state: 'waiting',
    reason,
    attempts: last.attempt,
    errors: [...before.errors, ...errors],
    firstMs: before.firstMs,
    lastMs: last.atMs,
    ...contentOf(body),
    redrives: before.redrives,
  };
}

async function store(letter: DeadLetter, { body, redriveOf }: Dropped, { bus, giveUp, onTrouble }: DropOptions): Promise<void> {
  const subject = deadLetterSubject(letter.tenant, letter.consumer, letter.id);
  const message = {
    subject,
    id: `dead.${letter.id}.${letter.redrives}.${letter.lastMs}`,
    headers: deadLetterHeaders(letter),
    body,
  };
  const patience = { signal: giveUp, onRetry: (error: unknown) => onTrouble(error, 'writing a dead letter') };
  for (;;) {
    const known = redriveOf === undefined ? undefined : await bus.last(subject);
    if (known !== undefined && isSettled(readDeadLetter(known).letter, letter)) return;
    try {
      await commitUntilStored(bus, [{ ...message, expect: known?.position ?? ('none' as const) }], patience);
      return;
    } catch (error) {
      if (!isTocsinError(error, 'bus.fenced')) throw error;
      // What is dropped for the first time is there already. What was redriven may just have been marked so: it must wait again.
      if (redriveOf === undefined) return;
    }
  }
}

/** Whoever dropped it and could not say so drops it again; what has been done to it meanwhile stands. */
function isSettled(known: DeadLetter, dropped: DeadLetter): boolean {
  return known.redrives > dropped.redrives || (known.redrives === dropped.redrives && known.state !== 'redriven');
}
