/** The installation that a forwarder sends to: its events door over HTTP, one connection kept open. What to do about an answer is `sender.ts`. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { promisify } from 'node:util';
import { zstdCompress } from 'node:zlib';
import { encodeBatch, PRODUCER_BATCH_TYPE, type RawRecord } from '@tocsin/ingest';

/** What was answered, as far as it matters. */
export interface RemoteAnswer {
  readonly status: number;
  /** What it asks to wait, milliseconds; undefined where it does not say. */
  readonly retryAfterMs: number | undefined;
  /** What became of each record, where it says so. */
  readonly items: readonly { readonly status: string; readonly code?: string; readonly reason?: string }[] | undefined;
  /** Why, where it is an error. */
  readonly reason: string;
}

/** Longest time for an answer, and most bytes of one. */
const ANSWER_WITHIN_MS = 60_000;
const MAX_ANSWER_BYTES = 64 << 20;
/** Below this nothing is gained by packing. */
const PACK_FROM_BYTES = 1024;
const LONGEST_RETRY_AFTER_MS = 300_000;
const pack = promisify(zstdCompress);

/** A door elsewhere. Disposing closes its connections. */
export class RemoteDoor implements Disposable {
  readonly #url: URL;
  readonly #agent: PlainAgent | TlsAgent;

  constructor(url: string, tls: ConnectionOptions) {
    this.#url = new URL('/api/v1/events', url);
    const options = { keepAlive: true, maxSockets: 64 };
    this.#agent = this.#url.protocol === 'https:' ? new TlsAgent({ ...options, ...tls }) : new PlainAgent(options);
  }

  /** Sends records under a credential; resolves with what was answered. @throws errors of the connection, or the signal's reason */
  async send(records: readonly RawRecord[], token: string, signal: AbortSignal): Promise<RemoteAnswer> {
    const plain = encodeBatch({ key: '', receivedMs: 0, first: 0, records });
    const isPacked = plain.length >= PACK_FROM_BYTES;
    const body = isPacked ? await pack(plain) : plain;
    const send = this.#url.protocol === 'https:' ? tlsRequest : plainRequest;
    const request = send(this.#url, {
      method: 'POST',
      agent: this.#agent,
      signal,
      timeout: ANSWER_WITHIN_MS,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': PRODUCER_BATCH_TYPE,
        'content-length': body.length,
        ...(isPacked && { 'content-encoding': 'zstd' }),
      },
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${ANSWER_WITHIN_MS / 1000} s`)));
    request.end(body);
    return readAnswer(await answerTo(request));
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

function answerTo(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });
}

async function readAnswer(incoming: IncomingMessage): Promise<RemoteAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`its answer is longer than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  const { statusCode: status = 0, headers } = incoming;
  const text = Buffer.concat(chunks).toString('utf8');
  const body = parseObject(text);
  const { items, error } = body as { items?: RemoteAnswer['items']; error?: { message?: string } };
  const seconds = Number(headers['retry-after']);
  return {
    status,
    retryAfterMs: seconds >= 0 ? Math.min(LONGEST_RETRY_AFTER_MS, seconds * 1000) : undefined,
    items: Array.isArray(items) ? items : undefined,
    reason: error?.message ?? `it answered ${status}: ${text.slice(0, 200)}`,
  };
}

function parseObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {}; // not ours: a proxy's page, of which the caller tells the beginning
  }
}
