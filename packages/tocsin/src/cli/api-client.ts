/** The command line's side of `/api/v1`: requests with a credential, errors as the same errors the server threw. */
import { type ErrorCode, errorTable, TocsinError } from '@tocsin/core';
import { fetchPinned } from './pinned-fetch.ts';

/** Where an installation is and who is asking. */
export interface ApiAddress {
  readonly url: string;
  readonly token: string;
  /** Certificate it must show, PEM, whoever signed it for whatever name; absent where it is checked as any server's. */
  readonly certificate?: string | undefined;
}

/** An error as the server answered it: its code and text, without the details they were made of. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly retryAfterMs: number;
  /** The whole answer, where it was JSON. */
  readonly body: unknown;

  constructor(answer: { code: ErrorCode; message: string; status: number; retryAfterMs: number; body: unknown }) {
    super(answer.message);
    this.name = 'ApiError';
    this.code = answer.code;
    this.status = answer.status;
    this.retryAfterMs = answer.retryAfterMs;
    this.body = answer.body;
  }

  /** Exit code of the command line. */
  get exit(): number {
    return errorTable[this.code].exit;
  }
}

/** A request beyond method and path. */
export interface ApiRequest {
  readonly body?: unknown;
  /** Raw body and its headers, instead of JSON. */
  readonly raw?: { readonly bytes: Uint8Array; readonly headers: Readonly<Record<string, string>> } | undefined;
  /** Another credential than the client's own. */
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Longest line of an NDJSON answer, characters: an event of 1 MiB, every byte escaped. */
const MAX_LINE_CHARACTERS = 8 * 1024 * 1024;
/** Longest pause a server may ask for, milliseconds. */
const MAX_RETRY_AFTER_MS = 60_000;

/** Talks to one installation. */
export class ApiClient {
  readonly address: ApiAddress;

  constructor(address: ApiAddress) {
    this.address = { ...address, url: reachableUrl(address.url.replace(/\/+$/, '')) };
  }

  /** The answer's body as JSON. @throws ApiError with the server's code, TocsinError api.unreachable */
  async call<T>(method: string, path: string, request: ApiRequest = {}): Promise<T> {
    const response = await this.#send(method, path, request);
    try {
      return (await response.json()) as T;
    } catch (error) {
      throw this.#unreachable(error, request.signal);
    }
  }

  /** The objects of an NDJSON answer as they come, until it ends or is aborted; with a body, of a POST. `ready` is called when the server follows. @throws api.unreachable when cut off */
  async *lines<T>(path: string, follow: { signal: AbortSignal; ready?: () => void; body?: unknown }): AsyncGenerator<T> {
    const { signal, body } = follow;
    const response = await this.#send(body === undefined ? 'GET' : 'POST', path, { signal, ...(body === undefined ? {} : { body }) });
    try {
      for await (const line of splitLines(response.body ?? [], () => follow.ready?.())) yield JSON.parse(line) as T;
    } catch (error) {
      throw this.#unreachable(error, follow.signal);
    }
  }

  async #send(method: string, path: string, request: ApiRequest): Promise<Response> {
    const json = request.body === undefined ? {} : { 'content-type': 'application/json' };
    const body = request.raw ? request.raw.bytes : request.body === undefined ? undefined : JSON.stringify(request.body);
    let response: Response;
    try {
      const { url, token, certificate } = this.address;
      const target = `${url}/api/v1${path}`;
      const headers = { authorization: `Bearer ${request.token ?? token}`, ...json, ...request.raw?.headers };
      const sent = { method, headers, ...(body === undefined ? {} : { body }), ...(request.signal ? { signal: request.signal } : {}) };
      response =
        certificate === undefined ? await fetch(target, { ...sent, redirect: 'error' }) : await fetchPinned(target, certificate, sent);
    } catch (error) {
      throw this.#unreachable(error, request.signal);
    }
    if (!response.ok) throw await readError(response);
    return response;
  }

  /** An error of the connection by its reason; the person's own interruption stays what it is. */
  #unreachable(cause: unknown, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted) return signal.reason;
    return new TocsinError('api.unreachable', { url: this.address.url, reason: reasonOf(cause) }, { cause });
  }
}

/** An address that listens everywhere is reached by loopback. */
function reachableUrl(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
}

/** Lines of a body that are not empty. `onChunk` is told whenever something came. */
async function* splitLines(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, onChunk: () => void): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    onChunk();
    const pieces = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = pieces.pop() ?? '';
    if (rest.length > MAX_LINE_CHARACTERS) throw new Error(`a line of its answer is longer than ${MAX_LINE_CHARACTERS} characters`);
    yield* pieces.filter((piece) => piece !== '');
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  // Several addresses tried: the first failure says what is wrong.
  const inner = cause instanceof AggregateError ? cause.errors[0] : cause;
  return inner instanceof Error && inner.message !== '' ? inner.message : error.message;
}

async function readError(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '');
  const { status } = response;
  const seconds = Number(response.headers.get('retry-after') ?? 1);
  const retryAfterMs = Number.isFinite(seconds) ? Math.min(MAX_RETRY_AFTER_MS, Math.max(0, seconds * 1000)) : 1000;
  const body = parseJson(text);
  const error = (body as { error?: { code?: string; message?: string } } | undefined)?.error;
  const code = error?.code !== undefined && Object.hasOwn(errorTable, error.code) ? (error.code as ErrorCode) : codeOf(status);
  const message = error?.message ?? `The server answered ${status}: ${text.slice(0, 200)}`;
  return new ApiError({ code, message, status, retryAfterMs, body });
}

/** What an answer without a code of ours means: a proxy's page, or another server altogether. */
function codeOf(status: number): ErrorCode {
  if (status === 429 || status === 502 || status === 503 || status === 504) return 'api.unreachable';
  return status >= 500 ? 'api.internal' : 'api.bad_request';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not ours: a proxy's page. The caller shows its beginning.
    return undefined;
  }
}
