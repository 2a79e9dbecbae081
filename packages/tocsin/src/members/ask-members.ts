/**
 * Asking the threads of other processes: the same questions as to a thread of one's own, sent over the bus to a member that has the
 * duty. Bytes travel as base64 within JSON, answers packed where they are large.
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import type { AnswerHandler, RequestReply } from '@tocsin/bus';
import { type ErrorCode, type ErrorDetails, isTocsinError, TocsinError } from '@tocsin/core';
import type { DetectApi } from '../duties/detect-api.ts';
import type { StoreApi } from '../duties/store-api.ts';
import type { ThreadApi, ThreadClient } from '../duties/thread-call.ts';
import type { MemberRecord } from './member-record.ts';

/** What is asked by name, and what comes back. */
interface Question {
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
  readonly failed?: { readonly text: string; readonly code?: ErrorCode; readonly details?: unknown };
}

/** Answers are packed from this size on, bytes, and read up to this size. */
const PACK_FROM_BYTES = 4096;
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;
/** Questions that wait for something: their last argument says how long, milliseconds. */
const WAITING: ReadonlySet<string> = new Set<keyof StoreApi | keyof DetectApi>([
  'alertsReached',
  'framesReached',
  'coverageReached',
  'reached',
  'settled',
]);
const LONGEST_WAIT_MS = 60_000;
/** How long an answer may take beyond that, milliseconds. */
const PATIENCE_MS = 15_000;
const GZIP = 0x1f;
/** Questions of others that a process has under way at once. */
const MAX_UNDER_WAY = 512;

/** Subject on which a process is asked. */
function askSubject(node: string): string {
  return `tocsin.ask.${node}`;
}

/** Answers questions to this process until disposed; what it has nothing for is refused as a duty that is down. @throws bus.unavailable, bus.forbidden */
export function answerMembers(calls: RequestReply, node: string, answering: readonly Answering[]): Promise<AsyncDisposable> {
  const handle: AnswerHandler = async ({ body }) => {
    try {
      const { name, args } = decode<Question>(body);
      const asked = answering.find(({ names }) => names.has(name));
      if (!asked) throw new TocsinError('api.duty_down', { duty: name });
      const ask = (asked.client as Record<string, (...given: unknown[]) => Promise<unknown>>)[name];
      return { body: encode({ value: await ask?.(...args) } satisfies Answer) };
    } catch (error) {
      return { body: encode({ failed: pack(error) } satisfies Answer) };
    }
  };
  return calls.answer(askSubject(node), handle, { maxUnderWay: MAX_UNDER_WAY });
}

/** Asks one member, for at most `withinMs`. @throws api.duty_down where it does not answer, else what its thread throws */
export async function askMember(
  calls: RequestReply,
  member: MemberRecord,
  { name, args, withinMs }: Question & { readonly withinMs?: number | undefined },
): Promise<unknown> {
  const waitMs = WAITING.has(name) ? Number(args.at(-1)) : 0;
  const timeoutMs = withinMs ?? Math.min(Math.ceil(waitMs), LONGEST_WAIT_MS) + PATIENCE_MS;
  const answer = await askOnce(calls, member, { name, args, timeoutMs });
  if (answer.failed) throw unpack(answer.failed);
  return answer.value;
}

async function askOnce(
  calls: RequestReply,
  member: MemberRecord,
  { name, args, timeoutMs }: Question & { readonly timeoutMs: number },
): Promise<Answer> {
  try {
    const { body } = await calls.ask({ subject: askSubject(member.node), body: encode({ name, args }) }, { timeoutMs });
    return decode<Answer>(body);
  } catch (error) {
    if (!isAway(error)) throw error;
    throw new TocsinError('api.duty_down', { duty: member.duties.join(', ') }, { cause: error });
  }
}

/** Whether a member cannot be asked, in distinction to one that cannot answer. */
function isAway(error: unknown): boolean {
  if (isTocsinError(error, 'bus.answer_failed')) return error.details.code === 'bus.closed';
  return isTocsinError(error, 'bus.nobody_answers') || isTocsinError(error, 'bus.unanswered') || isTocsinError(error, 'bus.unavailable');
}

/** A client of whichever member has a duty when the question is asked: the next where one has gone without a word and its record is still there. */
export function memberClient<A extends ThreadApi>(
  calls: RequestReply,
  duty: string,
  alive: () => readonly MemberRecord[],
): ThreadClient<A> {
  const ask = async (name: string, args: unknown[]): Promise<unknown> => {
    let failure = new TocsinError('api.duty_down', { duty });
    for (const member of alive()) {
      try {
        return await askMember(calls, member, { name, args });
      } catch (error) {
        // Nobody was there, so nothing was done, and another may be asked.
        if (!isTocsinError(error, 'api.duty_down') || !isTocsinError(error.cause, 'bus.nobody_answers')) throw error;
        failure = error;
      }
    }
    throw failure;
  };
  return new Proxy({} as ThreadClient<A>, {
    get: (_, name) => (name === 'then' ? undefined : (...args: unknown[]) => ask(String(name), args)),
  });
}

function encode(value: unknown): Uint8Array {
  const json = Buffer.from(
    JSON.stringify(value, (_, each: unknown) =>
      each instanceof Uint8Array ? { $bytes: Buffer.from(each).toString('base64') } : unpackJson(each),
    ),
  );
  return json.length < PACK_FROM_BYTES ? json : gzipSync(json, { level: 1 });
}

/** What Buffer makes of itself before a replacer sees it. */
function unpackJson(each: unknown): unknown {
  const buffer = each as { type?: unknown; data?: unknown } | null;
  const isBuffer = typeof buffer === 'object' && buffer !== null && buffer.type === 'Buffer' && Array.isArray(buffer.data);
  return isBuffer ? { $bytes: Buffer.from(buffer.data as number[]).toString('base64') } : each;
}

function decode<T>(body: Uint8Array): T {
  const json = body[0] === GZIP ? gunzipSync(body, { maxOutputLength: MAX_ANSWER_BYTES }) : Buffer.from(body);
  return JSON.parse(json.toString(), (_, each: unknown) => {
    const bytes =
      typeof each === 'object' && each !== null && Object.hasOwn(each, '$bytes') ? (each as { $bytes: unknown }).$bytes : undefined;
    return typeof bytes === 'string' ? Buffer.from(bytes, 'base64') : each;
  }) as T;
}

function pack(error: unknown): NonNullable<Answer['failed']> {
  if (error instanceof TocsinError) return { text: error.message, code: error.code, details: error.details };
  return { text: error instanceof Error ? error.message : String(error) };
}

function unpack({ text, code, details }: NonNullable<Answer['failed']>): Error {
  if (code === undefined) return new TocsinError('api.internal', { reason: text });
  return new TocsinError(code, details as ErrorDetails<ErrorCode>);
}
