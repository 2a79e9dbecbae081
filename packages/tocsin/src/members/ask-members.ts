/**
 * Asking the threads of other processes: the same questions as to a thread of one's own, sent over the bus to a member that has the
 * duty. Bytes travel as base64 within JSON, answers packed where they are large.
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import type { BusCalls } from '@tocsin/bus/nats';
import { type ErrorCode, type ErrorDetails, isTocsinError, messageOf, TocsinError } from '@tocsin/core';
import type { DetectApi } from '../duties/detect-api.ts';
import type { StoreApi } from '../duties/store-api.ts';
import type { ThreadApi, ThreadClient } from '../duties/thread-call.ts';
import type { MemberRecord } from './member-record.ts';

/** Threads of a process that others may ask. Two of them may answer to one name. */
export type AskedThread = 'store' | 'detect';

/** What is asked by thread and name, and what comes back. */
interface Question {
  readonly of: AskedThread;
  readonly name: string;
  readonly args: readonly unknown[];
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

/** Subject on which a process is asked. */
function askSubject(node: string): string {
  return `tocsin.ask.${node}`;
}

/** Answers questions to this process with its own threads; what it has no thread for is refused as a duty that is down. */
export function answerMembers(
  calls: BusCalls,
  node: string,
  threads: Readonly<Partial<Record<AskedThread, { readonly names: ReadonlySet<string>; readonly client: object }>>>,
): void {
  calls.answer(askSubject(node), async (body) => {
    try {
      const { of, name, args } = decode<Question>(body);
      const thread = Object.hasOwn(threads, of) ? threads[of] : undefined;
      if (!thread?.names.has(name)) throw new TocsinError('api.duty_down', { duty: name });
      const ask = (thread.client as Record<string, (...given: unknown[]) => Promise<unknown>>)[name];
      return encode({ value: await ask?.(...args) } satisfies Answer);
    } catch (error) {
      return encode({ failed: pack(error) } satisfies Answer);
    }
  });
}

/** Asks one member. @throws api.duty_down where it does not answer, else what its thread throws */
export async function askMember(calls: BusCalls, member: MemberRecord, { of, name, args }: Question): Promise<unknown> {
  const waitMs = WAITING.has(name) ? Number(args.at(-1)) : 0;
  let body: Uint8Array;
  try {
    body = await calls.ask(askSubject(member.node), encode({ of, name, args }), Math.min(waitMs, LONGEST_WAIT_MS) + PATIENCE_MS);
  } catch (error) {
    if (!isTocsinError(error, 'bus.unavailable')) throw error;
    throw new TocsinError('api.duty_down', { duty: member.duties.join(', ') }, { cause: error });
  }
  const answer = decode<Answer>(body);
  if (answer.failed) throw unpack(answer.failed);
  return answer.value;
}

/** A client of a thread of whichever member has a duty when the question is asked. */
export function memberClient<A extends ThreadApi>(
  calls: BusCalls,
  { duty, of }: { readonly duty: string; readonly of: AskedThread },
  alive: () => readonly MemberRecord[],
): ThreadClient<A> {
  return new Proxy({} as ThreadClient<A>, {
    get: (_, name) =>
      name === 'then'
        ? undefined
        : async (...args: unknown[]) => {
            const [member] = alive();
            if (!member) throw new TocsinError('api.duty_down', { duty });
            return await askMember(calls, member, { of, name: String(name), args });
          },
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
  return { text: messageOf(error) };
}

function unpack({ text, code, details }: NonNullable<Answer['failed']>): Error {
  if (code === undefined) return new TocsinError('api.internal', { reason: text });
  return new TocsinError(code, details as ErrorDetails<ErrorCode>);
}
