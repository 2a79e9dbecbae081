/**
 * Sends one unit of messages to a stream and says what became of it: a single message as a plain publish (one fsync), several as
 * an atomic batch (ADR-50; six durable waits whatever its size). One attempt; trying again is not here.
 */
import { randomBytes } from 'node:crypto';
import { headers, type Msg, type MsgHdrs } from '@nats-io/transport-node';
import { isTocsinError } from '@tocsin/core';
import type { Outgoing } from '../event-bus.ts';
import { NO_RESPONDERS, REFUSED } from './jetstream-api.ts';
import { ask, type NatsLink, NoAnswer } from './nats-link.ts';
import { PLAN, PLAN_AT } from './plan-headers.ts';

/** A message with the sequence its subject must stand at. */
export interface UnitMessage extends Pick<Outgoing, 'subject' | 'id' | 'headers' | 'body' | 'plan'> {
  readonly expectSequence?: number | undefined;
}

/** What became of a unit. `lost`: stored or not, nobody knows. */
export type UnitAnswer =
  | { readonly kind: 'stored'; readonly stream: string; readonly last: number; readonly duplicate: boolean }
  | { readonly kind: 'refused'; readonly code: number; readonly description: string }
  | { readonly kind: 'lost' };

interface PubAck {
  readonly stream: string;
  readonly seq: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string };
}

const EXPECT_SEQUENCE = 'Nats-Expected-Last-Subject-Sequence';
/** Ids hold no spaces, so no message has this one. */
const NO_SUCH_ID = 'no such id';
/** A sequence that no stream reaches. */
const NEVER_REACHED = String(Number.MAX_SAFE_INTEGER);

/** Sends a unit; settles by `deadline` (of performance.now). @throws bus.forbidden, bus.closed */
export async function publishUnit(link: NatsLink, messages: readonly UnitMessage[], deadline: number): Promise<UnitAnswer> {
  const [only] = messages;
  if (messages.length === 1 && only !== undefined) {
    return await answerOf(() => ask(link, { subject: only.subject, body: only.body, headers: headersOf(only) }, deadline));
  }
  return await answerOf(() => sendBatch(link, messages, deadline));
}

/**
 * Where the message with this id is stored; undefined when none is remembered. Stores nothing: the question carries an expectation that
 * cannot hold, which the server looks at after the id. Which one that is depends (seen with 2.15.1): without replicas the sequence is looked
 * at before the id; with replicas the last id is looked at only once the message is replicated, where its failure ends the stream
 * ("critical write error").
 * @throws NoAnswer, bus.forbidden, bus.closed
 */
export async function findStored(
  link: NatsLink,
  message: UnitMessage,
  { isReplicated, deadline }: { readonly isReplicated: boolean; readonly deadline: number },
): Promise<{ stream: string; sequence: number } | undefined> {
  const probe = headers();
  probe.set('Nats-Msg-Id', message.id);
  if (isReplicated) probe.set('Nats-Expected-Last-Sequence', NEVER_REACHED);
  else probe.set('Nats-Expected-Last-Msg-Id', NO_SUCH_ID);
  const answer = await answerOf(() => ask(link, { subject: message.subject, headers: probe }, deadline));
  if (answer.kind === 'stored' && answer.duplicate) return { stream: answer.stream, sequence: answer.last };
  if (answer.kind === 'refused' && answer.code === (isReplicated ? REFUSED.wrongLastSequence : REFUSED.wrongLastId)) return undefined;
  throw new NoAnswer(answer.kind === 'refused' ? answer.description : 'no answer to whether a message is stored');
}

/** The first message and the last ask for answers: the cause of a refusal comes to the first, the commit then only says "incomplete". */
async function sendBatch(link: NatsLink, messages: readonly UnitMessage[], deadline: number): Promise<Msg> {
  const batch = randomBytes(12).toString('hex');
  const last = messages.length - 1;
  return await new Promise<Msg>((resolve, reject) => {
    const timer = setTimeout(() => settle(new NoAnswer('no answer in time'), undefined), Math.max(1, deadline - performance.now()));
    const first = link.expectAnswers(messages[0]?.subject ?? '', (error, answer) => {
      if (error !== undefined || (answer !== undefined && (answer.data.length > 0 || answer.headers !== undefined))) settle(error, answer);
    });
    const commit = link.expectAnswers(messages[last]?.subject ?? '', settle);
    try {
      for (const [i, message] of messages.entries()) {
        const lines = headersOf(message);
        lines.set('Nats-Batch-Id', batch);
        lines.set('Nats-Batch-Sequence', String(i + 1));
        if (i === last) lines.set('Nats-Batch-Commit', '1');
        const reply = i === last ? commit.reply : i === 0 ? first.reply : undefined;
        link.connection.publish(message.subject, message.body, reply === undefined ? { headers: lines } : { headers: lines, reply });
      }
    } catch (error) {
      settle(error as Error, undefined);
    }
    function settle(error: Error | undefined, answer: Msg | undefined): void {
      clearTimeout(timer);
      first.forget();
      commit.forget();
      if (answer === undefined) reject(error ?? new NoAnswer('no answer'));
      else resolve(answer);
    }
  });
}

function headersOf(message: UnitMessage): MsgHdrs {
  const lines = headers();
  lines.set('Nats-Msg-Id', message.id);
  if (message.expectSequence !== undefined) lines.set(EXPECT_SEQUENCE, String(message.expectSequence));
  for (const [name, value] of Object.entries(message.headers ?? {})) lines.set(name, value);
  if (message.plan !== undefined) {
    lines.set(PLAN.time, `${PLAN_AT}${new Date(message.plan.atMs).toISOString()}`);
    lines.set(PLAN.target, message.plan.subject);
    lines.set(PLAN.id, message.id);
  }
  return lines;
}

async function answerOf(send: () => Promise<Msg>): Promise<UnitAnswer> {
  try {
    const answer = await send();
    if (answer.headers?.code === NO_RESPONDERS) return { kind: 'refused', code: NO_RESPONDERS, description: 'no stream answers' };
    const ack = JSON.parse(answer.string()) as PubAck;
    if (ack.error === undefined) return { kind: 'stored', stream: ack.stream, last: ack.seq, duplicate: ack.duplicate === true };
    return { kind: 'refused', code: ack.error.err_code ?? ack.error.code, description: ack.error.description ?? '' };
  } catch (error) {
    // Closed while it was under way: it may have been stored.
    if (error instanceof NoAnswer || isTocsinError(error, 'bus.closed')) return { kind: 'lost' };
    throw error;
  }
}
