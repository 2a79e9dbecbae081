/** Sending one batch through the events door until it is known what became of it: again with the same key while the answer is "later" or none comes. */
import { type ErrorCode, errorTable, isTocsinError, TocsinError } from '@tocsin/core';
import { type ApiClient, ApiError } from '../api-client.ts';
import { interruptibleWait } from '../interruptible-wait.ts';

/** A record that was refused. */
export interface RejectedItem {
  readonly index: number;
  readonly code: string;
  readonly reason: string;
}

/** What became of a batch. */
export interface Delivered {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly RejectedItem[];
  /** How often it was sent. */
  readonly attempts: number;
}

/** What is sent and how. */
export interface DeliverRequest {
  readonly bytes: Uint8Array;
  readonly contentType: string;
  readonly key: string;
  readonly token: string;
  readonly signal: AbortSignal;
  /** Where it begins, for messages: `auth.log:2001`. */
  readonly where: string;
  /** Longest time to keep trying, milliseconds. */
  readonly patienceMs: number;
  /** Told why it is not answered yet, each time that it has failed for a second or more. */
  readonly onWait?: ((reason: string) => void) | undefined;
}

interface DoorAnswer {
  readonly accepted: number;
  readonly duplicates: number;
  readonly items: readonly { index: number; status: string; code?: string; reason?: string }[];
}

/** Longest pause between two attempts, milliseconds. */
const MAX_PAUSE_MS = 5000;

/** Resolves once every record is stored or refused. Aborting leaves it unknown; the same key makes sending again harmless. @throws cli.unsure, whatever the door refuses for good */
export async function deliver(api: ApiClient, request: DeliverRequest): Promise<Delivered> {
  const startMs = performance.now();
  for (let attempts = 1; ; attempts += 1) {
    try {
      return { ...(await send(api, request)), attempts };
    } catch (error) {
      const pauseMs = pauseBefore(error, attempts);
      if (pauseMs === undefined || request.signal.aborted) throw error;
      const triedMs = Math.round(performance.now() - startMs);
      if (triedMs + pauseMs > request.patienceMs)
        throw new TocsinError('cli.unsure', { where: request.where, triedMs, reason: String((error as Error).message) }, { cause: error });
      if (triedMs + pauseMs > 1000) request.onWait?.(String((error as Error).message));
      await interruptibleWait(pauseMs, request.signal);
    }
  }
}

async function send(api: ApiClient, { bytes, contentType, key, token, signal }: DeliverRequest): Promise<Omit<Delivered, 'attempts'>> {
  try {
    const answer = await api.call<DoorAnswer>('POST', '/events', {
      raw: { bytes, headers: { 'content-type': contentType, 'idempotency-key': key } },
      token,
      signal,
    });
    return tally(answer);
  } catch (error) {
    // A batch of which nothing was taken is answered as an error, with the reasons beside it.
    if (error instanceof ApiError && isDoorAnswer(error.body)) return tally(error.body);
    throw error;
  }
}

function tally(answer: DoorAnswer): Omit<Delivered, 'attempts'> {
  const rejected = answer.items
    .filter((item) => item.status === 'rejected')
    .map(({ index, code = 'unknown', reason = '' }) => ({ index, code, reason }));
  return { accepted: answer.accepted, duplicates: answer.duplicates, rejected };
}

function isDoorAnswer(body: unknown): body is DoorAnswer {
  return typeof body === 'object' && body !== null && Array.isArray((body as Partial<DoorAnswer>).items);
}

/** How long to wait before sending again; undefined where that would not help. */
function pauseBefore(error: unknown, attempts: number): number | undefined {
  const backoffMs = Math.min(MAX_PAUSE_MS, 100 * 2 ** Math.min(attempts, 6));
  if (error instanceof ApiError)
    return errorTable[error.code as ErrorCode].retry === 'never' ? undefined : Math.max(error.retryAfterMs, backoffMs);
  return isTocsinError(error, 'api.unreachable') ? backoffMs : undefined;
}
