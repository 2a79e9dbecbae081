/**
 * Asking the threads of other processes: the same questions as to a thread of one's own, sent over the bus to a member that has the
 * duty. How they are written as bytes is in `call-codec.ts`.
 */
import type { AnswerHandler, RequestReply } from '@tocsin/bus';
import { isTocsinError, TocsinError } from '@tocsin/core';
import type { DetectApi } from '../duties/detect-api.ts';
import type { StoreApi } from '../duties/store-api.ts';
import type { ThreadApi, ThreadClient } from '../duties/thread-call.ts';
import type { Duty } from '../topology.ts';
import { decodeCall, encodeCall, type PackedError, packError, unpackError } from './call-codec.ts';
import type { MemberRecord } from './member-record.ts';
import type { Members } from './members.ts';

/** Of what others may ask a process: its threads, of which two may answer to one name, and the process itself. */
export type Asked = 'store' | 'detect' | 'process';

/** What is asked by name, and what comes back. */
interface Question {
  readonly of: Asked;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** Whose functions are asked by name. */
export interface Answering {
  readonly names: ReadonlySet<string>;
  readonly client: object;
}

interface Answer {
  readonly value?: unknown;
  readonly failed?: PackedError;
}

/** Questions that wait for something: their last argument says how long, milliseconds. */
const WAITING: ReadonlySet<string> = new Set<keyof StoreApi | keyof DetectApi>([
  'alertsReached',
  'framesReached',
  'coverageReached',
  'reached',
  'settled',
]);
/** Questions that change what is asked of. */
const CHANGING: ReadonlySet<string> = new Set<keyof StoreApi>(['rebuild', 'forget']);
const LONGEST_WAIT_MS = 60_000;
/** How long an answer may take beyond that, milliseconds. */
const PATIENCE_MS = 15_000;
/** Questions of others that a process has under way at once. */
const MAX_UNDER_WAY = 512;

/** Subject on which a process is asked. */
function askSubject(node: string): string {
  return `tocsin.ask.${node}`;
}

/** Answers questions to this process until disposed; what it has nothing for is refused as a duty that is down. @throws bus.unavailable, bus.forbidden */
export function answerMembers(
  calls: RequestReply,
  node: string,
  answering: Readonly<Partial<Record<Asked, Answering>>>,
): Promise<AsyncDisposable> {
  const handle: AnswerHandler = async ({ body }) => {
    try {
      const { of, name, args } = decodeCall<Question>(body);
      const asked = Object.hasOwn(answering, of) ? answering[of] : undefined;
      if (!asked?.names.has(name)) throw new TocsinError('api.duty_down', { duty: name });
      const ask = (asked.client as Record<string, (...given: unknown[]) => Promise<unknown>>)[name];
      return { body: encodeCall({ value: await ask?.(...args) } satisfies Answer) };
    } catch (error) {
      return { body: encodeCall({ failed: packError(error) } satisfies Answer) };
    }
  };
  return calls.answer(askSubject(node), handle, { maxUnderWay: MAX_UNDER_WAY });
}

/** Whom to ask, and by what. */
export interface Asking {
  readonly calls: RequestReply;
  readonly members: Pick<Members, 'list' | 'onChange'>;
}

/** Asks one member, for at most `withinMs` and as long as it is alive. @throws api.duty_down where it does not answer, else what its thread throws */
export async function askMember(
  { calls, members }: Asking,
  member: MemberRecord,
  { of, name, args, withinMs }: Question & { readonly withinMs?: number | undefined },
): Promise<unknown> {
  const waitMs = WAITING.has(name) ? Number(args.at(-1)) : 0;
  const timeoutMs = withinMs ?? Math.min(Math.ceil(waitMs), LONGEST_WAIT_MS) + PATIENCE_MS;
  const gone = new AbortController();
  const off = members.onChange(() => {
    if (!members.list().some(({ id, epoch }) => id === member.id && epoch === member.epoch)) gone.abort(new MemberGone());
  });
  try {
    const question = { subject: askSubject(member.node), body: encodeCall({ of, name, args } satisfies Question) };
    const { body } = await calls.ask(question, { timeoutMs, signal: gone.signal });
    const answer = decodeCall<Answer>(body);
    if (answer.failed) throw unpackError(answer.failed);
    return answer.value;
  } catch (error) {
    if (!isAway(error)) throw error;
    throw new TocsinError('api.duty_down', { duty: member.duties.join(', ') }, { cause: error });
  } finally {
    off();
  }
}

/** The record of a member ended while it was asked. */
class MemberGone extends Error {}

/** Whether a member cannot be asked, in distinction to one that cannot answer. */
function isAway(error: unknown): boolean {
  if (isTocsinError(error, 'bus.answer_failed')) return error.details.code === 'bus.closed';
  const wasNotAnswered = isTocsinError(error, 'bus.nobody_answers') || isTocsinError(error, 'bus.unanswered');
  return wasNotAnswered || isTocsinError(error, 'bus.unavailable') || error instanceof MemberGone;
}

/** A client of a thread of whichever member has a duty when the question is asked: the next one where one has gone and its record was still there. */
export function memberClient<A extends ThreadApi>(asking: Asking, duty: Duty): ThreadClient<A> {
  const of: Asked = duty === 'store' ? 'store' : 'detect';
  const ask = async (name: string, args: unknown[]): Promise<unknown> => {
    let failure = new TocsinError('api.duty_down', { duty });
    for (const member of asking.members.list().filter((one) => one.duties.includes(duty))) {
      try {
        return await askMember(asking, member, { of, name, args });
      } catch (error) {
        if (!isTocsinError(error, 'api.duty_down') || !mayAskAnother(name, error.cause)) throw error;
        failure = error;
      }
    }
    throw failure;
  };
  return new Proxy({} as ThreadClient<A>, {
    get: (_, name) => (name === 'then' ? undefined : (...args: unknown[]) => ask(String(name), args)),
  });
}

/** Whether nothing was done, or what may have been does no harm a second time. */
function mayAskAnother(name: string, why: unknown): boolean {
  return isTocsinError(why, 'bus.nobody_answers') || (why instanceof MemberGone && !CHANGING.has(name));
}
