/**
 * Runs a consumer that has effects outside of Tocsin: what fails is tried again by the class of its error, with growing pauses, so often and no
 * more; then it is a dead letter. What is redriven comes back here and nowhere else. A message is answered when its effect, or its dead letter,
 * is durable.
 */
import { setTimeout } from 'node:timers/promises';
import type { Delivery, EventBus, Stored, SubjectFilter } from '@tocsin/bus';
import { type Clock, isTocsinError, messageOf } from '@tocsin/core';
import { type DeadLetter, type DropReason, type FailedAttempt, readDeadLetter } from '../deadletters/dead-letter.ts';
import type { Drop } from '../deadletters/drop.ts';
import { isRetry, retrySubject } from '../subjects.ts';

/** A message to be handled. */
export interface EffectMessage {
  readonly subject: string;
  readonly id: string;
  readonly body: Uint8Array;
  readonly position: Stored['position'];
  /** From 1: how often it was handed to the consumer since Tocsin started, this time included. */
  readonly attempt: number;
}

/** A consumer with effects. */
export interface EffectConsumer {
  /** Its name among consumers: letters, digits and hyphens. */
  readonly name: string;
  /** What it consumes, of one stream. */
  readonly filter: SubjectFilter;
  /** Whose messages these are. */
  readonly tenantOf: (message: Omit<EffectMessage, 'attempt'>) => string;
  /** Does it; resolves when it is done for good. An error of class `never` is not tried again. */
  handle(message: EffectMessage, signal: AbortSignal): Promise<void>;
}

/** What the runner is made of. */
export interface EffectRunnerOptions {
  readonly bus: Pick<EventBus, 'subscribe'>;
  readonly drop: Drop;
  readonly clock: Clock;
  /** 0 … 1: spreads pauses. */
  readonly random: () => number;
  readonly onTrouble: (error: unknown, what: string, about?: Readonly<Record<string, unknown>>) => void;
  /** Stops taking messages; those under way are finished. */
  readonly signal: AbortSignal;
  /** Stops what is under way; it is delivered again. */
  readonly giveUp: AbortSignal;
  /** Pauses before each further attempt, milliseconds. */
  readonly pausesMs?: readonly number[] | undefined;
  /** How long a message may be without a sign of its handling before it is delivered again, milliseconds. */
  readonly ackWaitMs?: number | undefined;
}

/** Pauses before each further attempt, milliseconds; spread by a fifth to either side, so that what failed together does not come back together. */
export const PAUSES_MS: readonly number[] = [1000, 5000, 15_000, 30_000, 60_000];
const SPREAD = 0.2;
/** Deliveries beyond the attempts, of which nothing is known, after which a message is taken to end the process that handles it. */
const CRASHES = 4;
/** Messages handled at once. No more are taken: one that waits in a queue is delivered again and again without an attempt. */
const AT_ONCE = 8;
const ACK_WAIT_MS = 30_000;
/** Longest pause the other side may ask for, milliseconds. */
const MAX_ASKED_MS = 600_000;
/** Messages whose attempts are counted, and those whose errors are remembered beside. */
const MAX_COUNTED = 100_000;
const MAX_REMEMBERED = 10_000;
/** Newest errors of one message that are remembered. */
const MAX_ERRORS = 10;

/** Runs until aborted. What was begun by then is finished, or delivered again. */
export async function runEffects(consumer: EffectConsumer, options: EffectRunnerOptions): Promise<void> {
  const runner = new EffectRunner(consumer, options);
  await Promise.all([runner.follow(consumer.filter, 'new'), runner.follow(retrySubject(consumer.name), 'first')]);
}

class EffectRunner {
  readonly #consumer: EffectConsumer;
  readonly #options: EffectRunnerOptions;
  readonly #pausesMs: readonly number[];
  readonly #ackWaitMs: number;
  readonly #errors = new Map<string, FailedAttempt[]>();
  /** How often each message was attempted that waits for a further attempt. */
  readonly #attempts = new Map<string, number>();

  constructor(consumer: EffectConsumer, options: EffectRunnerOptions) {
    this.#consumer = consumer;
    this.#options = options;
    this.#pausesMs = options.pausesMs ?? PAUSES_MS;
    this.#ackWaitMs = options.ackWaitMs ?? ACK_WAIT_MS;
  }

  /** Handles what a filter brings, several at once. An outage of the bus is waited out. */
  async follow(filter: SubjectFilter, start: 'first' | 'new'): Promise<void> {
    const { signal, onTrouble } = this.#options;
    const underWay = new Set<Promise<void>>();
    while (!signal.aborted) {
      try {
        await this.#take({ filter, start }, underWay);
      } catch (error) {
        if (signal.aborted || isTocsinError(error, 'bus.closed')) break;
        if (!isTocsinError(error) || error.retry === 'never') throw error;
        onTrouble(error, `${this.#consumer.name} follows ${filter}`);
        await setTimeout(this.#pausesMs[0], undefined, { signal }).catch(() => 'aborted: the loop ends');
      }
    }
    await Promise.all(underWay);
  }

  async #take({ filter, start }: { filter: SubjectFilter; start: 'first' | 'new' }, underWay: Set<Promise<void>>): Promise<void> {
    const { bus, signal } = this.#options;
    const group = { group: this.#consumer.name, start, maxMessages: AT_ONCE, ackWaitMs: this.#ackWaitMs, signal };
    await using subscription = await bus.subscribe(filter, group);
    for await (const delivery of subscription) {
      const work: Promise<void> = this.#settle(delivery).finally(() => underWay.delete(work));
      underWay.add(work);
      if (underWay.size >= AT_ONCE) await Promise.race(underWay);
    }
  }

  /** Never rejects: what cannot be settled is delivered again. */
  async #settle(delivery: Delivery): Promise<void> {
    const beat = setInterval(() => delivery.extend(), this.#ackWaitMs / 3);
    try {
      const task = taskOf(delivery.message);
      if (await this.#try(task, delivery)) delivery.ack();
    } catch (error) {
      const isUnreadable = isTocsinError(error, 'deadletter.unreadable');
      this.#options.onTrouble(error, `${this.#consumer.name} settles a message; it is ${isUnreadable ? 'passed' : 'delivered again'}`);
      if (isUnreadable) delivery.reject(error.message);
      else delivery.retry({ afterMs: this.#pauseMs(1) });
    } finally {
      clearInterval(beat);
    }
  }

  /** True when the message is settled: handled, or a dead letter. */
  async #try(task: Task, delivery: Delivery): Promise<boolean> {
    const { position } = task.message;
    const known = this.#attempts.get(position) ?? 0;
    // An attempt that ended is known; a delivery of which nothing is known may have ended the process.
    if (delivery.attempt - known > this.#pausesMs.length + CRASHES) {
      const text = 'it was delivered again and again and never settled: it may end the process that handles it';
      await this.#drop(task, 'crashed', this.#note({ position, attempt: delivery.attempt }, text));
      return true;
    }
    const message = { ...task.message, attempt: known + 1 };
    try {
      await this.#consumer.handle(message, this.#options.giveUp);
      this.#forget(position);
      return true;
    } catch (error) {
      if (this.#options.giveUp.aborted) return false;
      remember(this.#attempts, { position, value: message.attempt, most: MAX_COUNTED });
      return await this.#failed({ ...task, message }, error, delivery);
    }
  }

  async #failed(task: Attempt, error: unknown, delivery: Delivery): Promise<boolean> {
    const { message } = task;
    const errors = this.#note(message, messageOf(error));
    const reason = dropReason(error, message.attempt > this.#pausesMs.length);
    if (reason !== undefined) {
      await this.#drop(task, reason, errors);
      return true;
    }
    const afterMs = Math.max(this.#pauseMs(message.attempt), Math.min(askedPauseMs(error), MAX_ASKED_MS));
    this.#options.onTrouble(error, `${this.#consumer.name}, attempt ${message.attempt}; the next in ${Math.round(afterMs)} ms`, {
      message_id: message.id,
    });
    delivery.retry({ afterMs });
    return false;
  }

  #pauseMs(attempt: number): number {
    const pauseMs = this.#pausesMs[Math.min(attempt, this.#pausesMs.length) - 1] ?? 0;
    return pauseMs * (1 - SPREAD + 2 * SPREAD * this.#options.random());
  }

  #note({ position, attempt }: Pick<EffectMessage, 'position' | 'attempt'>, text: string): readonly FailedAttempt[] {
    const errors = [...(this.#errors.get(position) ?? []), { attempt, atMs: this.#options.clock.nowMs(), text }].slice(-MAX_ERRORS);
    remember(this.#errors, { position, value: errors, most: MAX_REMEMBERED });
    return errors;
  }

  #forget(position: string): void {
    this.#errors.delete(position);
    this.#attempts.delete(position);
  }

  async #drop({ message, stored, redriveOf }: Task, reason: DropReason, errors: readonly FailedAttempt[]): Promise<void> {
    await this.#options.drop(
      {
        tenant: redriveOf?.tenant ?? this.#consumer.tenantOf(message),
        consumer: this.#consumer.name,
        kind: 'message',
        subject: message.subject,
        position: redriveOf?.position ?? stored.position,
        messageId: message.id,
        headers: redriveOf?.headers ?? stored.headers,
        body: message.body,
        errors,
        redriveOf,
      },
      reason,
    );
    this.#forget(message.position);
  }
}

interface Task {
  readonly message: Omit<EffectMessage, 'attempt'>;
  readonly stored: Stored;
  readonly redriveOf: DeadLetter | undefined;
}

/** A task under way. */
interface Attempt extends Task {
  readonly message: EffectMessage;
}

/** Sets a value; the one set longest ago gives way. */
function remember<T>(map: Map<string, T>, { position, value, most }: { position: string; value: T; most: number }): void {
  map.delete(position);
  map.set(position, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}

/** What is delivered, or what the dead letter that is delivered once held. @throws deadletter.unreadable */
function taskOf(stored: Stored): Task {
  const { subject, id, body, position } = stored;
  if (!isRetry(subject)) return { stored, redriveOf: undefined, message: { subject, id, body, position } };
  const { letter } = readDeadLetter(stored);
  return { stored, redriveOf: letter, message: { subject: letter.subject, id: letter.messageId, body, position } };
}

/** Why an effect is given up; undefined while it is worth another attempt. */
function dropReason(error: unknown, isLast: boolean): DropReason | undefined {
  if (isTocsinError(error) && error.retry === 'never') return 'refused';
  return isLast ? (isTocsinError(error) ? 'exhausted' : 'threw') : undefined;
}

function askedPauseMs(error: unknown): number {
  return isTocsinError(error, 'effect.unavailable') ? ((error.details as { retryAfterMs?: number }).retryAfterMs ?? 0) : 0;
}
